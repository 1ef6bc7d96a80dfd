"""What a user's own loop may do: skip a batch, validate, bring a loss function, add parameters, freeze the encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from conftest import batch, bert
from uegr.backward.parameter_positions import body_positions
from uegr.errors import UegrWarning, UsageError
from uegr.methods.method import Method
from uegr.methods.method_lookup import METHODS, make_config


def attached(name: str, model: nn.Module, learning_rate: float = 0.01, **arguments: object) -> Method:
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    config = make_config(name)
    return config.attach(model=model.train(), optimizer=optimizer, train_loader=[batch()], seed=1, **arguments)  # type: ignore[arg-type]


def step(method: Method, data: dict[str, Tensor]) -> Tensor:
    loss = method.loss(data)
    loss.backward()
    method.optimizer.step()
    method.optimizer.zero_grad()
    return loss.detach()


@pytest.mark.parametrize("name", METHODS)
def test_a_skipped_batch_leaves_no_trace(name: str) -> None:
    """`if not isfinite(loss): zero_grad(); continue`: the weights and the next step are those of a loop without it."""
    models = [bert(dropout=0.0), bert(dropout=0.0)]
    for model, skips in zip(models, (False, True), strict=True):
        method = attached(name, model)
        if skips:
            before = {key: value.clone() for key, value in model.state_dict().items()}
            method.loss(batch(seed=5)) * float("nan")
            method.optimizer.zero_grad()
            assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
            state = method.state_dict()
            method.load_state_dict({**state, "calls": 0})  # the same dropout seeds as in the other loop
        step(method, batch(seed=6))
    for first, second in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.isfinite(second).all()
        torch.testing.assert_close(first, second)


def test_gradients_that_are_thrown_away_are_not_replayed() -> None:
    model, reference = bert(dropout=0.0), bert(dropout=0.0)
    method, plain = attached("sam", model), attached("sam", reference)
    (method.loss(batch(seed=5)) * float("inf")).backward()
    method.optimizer.zero_grad()
    step(method, batch(seed=6))
    step(plain, batch(seed=6))
    for weight, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(weight, expected)


def test_mixed_weights_are_never_saved() -> None:
    model = bert(dropout=0.0)
    method = attached("mixout", model)
    step(method, batch())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    method.loss(batch(seed=3))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert not model._state_dict_pre_hooks


@pytest.mark.parametrize("name", METHODS)
def test_a_loss_without_gradients_is_the_plain_validation_loss(name: str) -> None:
    model = bert(dropout=0.0)
    method = attached(name, model)
    calls = method.state_dict()["calls"]
    with torch.no_grad():
        loss = method.loss(batch())
    inputs = {key: value for key, value in batch().items() if key != "labels"}
    torch.testing.assert_close(loss, F.cross_entropy(model(**inputs).logits, batch()["labels"]).detach())
    assert method.state_dict()["calls"] == calls


@pytest.mark.parametrize("name", METHODS)
def test_a_step_whose_loss_is_not_the_methods_is_an_error(name: str) -> None:
    model = bert()
    method = attached(name, model)
    model(**batch()).loss.backward()
    with pytest.raises(UsageError, match="without its forward stage"):
        method.optimizer.step()


def test_the_backward_stage_alone_must_be_asked_for() -> None:
    model = bert()
    method = attached("uegr", model, backward_only=True)
    before = model.classifier.weight.detach().clone()
    model(**batch()).loss.backward()
    method.optimizer.step()
    assert not torch.equal(before, model.classifier.weight)
    with pytest.raises(UsageError, match="leave out backward_only=True"):
        attached("sam", bert(), backward_only=True)


def focal_loss(logits: Tensor, labels: Tensor) -> Tensor:
    cross_entropy = F.cross_entropy(logits, labels, reduction="none")
    return (1.0 - torch.exp(-cross_entropy)) ** 2 * cross_entropy


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("reduction", ["per example", "mean"])
def test_every_method_trains_with_the_users_loss(name: str, reduction: str) -> None:
    calls = []

    def loss_fn(logits: Tensor, labels: Tensor) -> Tensor:
        calls.append(labels.shape)
        values = focal_loss(logits, labels)
        return values.mean() if reduction == "mean" else values

    model = bert()
    method = attached(name, model, loss_fn=loss_fn)
    losses = [step(method, batch()) for _ in range(10)]
    assert losses[-1] < losses[0]
    assert set(calls) == {batch()["labels"].shape}


def test_the_users_loss_is_the_task_loss() -> None:
    model = bert(dropout=0.0)
    method = attached("plain", model, loss_fn=focal_loss)
    inputs = {key: value for key, value in batch().items() if key != "labels"}
    expected = focal_loss(model(**inputs).logits, batch()["labels"]).mean()
    torch.testing.assert_close(method.loss(batch()), expected)
    torch.testing.assert_close(method.loss(batch(), num_items=8), expected / 2)


def test_label_smoothing_is_that_of_torch() -> None:
    model = bert(dropout=0.0)
    inputs = {key: value for key, value in batch().items() if key != "labels"}
    expected = F.cross_entropy(model(**inputs).logits, batch()["labels"], label_smoothing=0.2)
    torch.testing.assert_close(attached("plain", model, label_smoothing=0.2).loss(batch()), expected)


@pytest.mark.parametrize("name", METHODS)
def test_a_frozen_encoder_trains_its_head(name: str) -> None:
    model = bert()
    model.bert.requires_grad_(False)
    method = attached(name, model)
    body = [weight.detach().clone() for weight in model.bert.parameters()]
    head = model.classifier.weight.detach().clone()
    for seed in range(3):
        step(method, batch(seed=seed))
    assert all(torch.equal(old, new) for old, new in zip(body, model.bert.parameters(), strict=True))
    assert not torch.equal(head, model.classifier.weight)


def test_frozen_parameters_are_not_ranked() -> None:
    model = bert()
    model.bert.embeddings.requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters())
    trainable = [weight for weight in model.bert.parameters() if weight.requires_grad]
    assert len(body_positions(model, optimizer)) == len(trainable)


def test_a_second_optimizer_is_refused() -> None:
    model = bert()
    method = attached("uegr", model)
    with pytest.raises(UsageError, match="one optimizer"):
        method.wrap_optimizer(torch.optim.SGD(model.parameters(), lr=0.1), model)
    with pytest.raises(UsageError, match="before accelerator"):
        make_config("uegr").create().wrap_optimizer(method.optimizer, model)


@pytest.mark.parametrize("name", METHODS)
def test_a_parameter_group_may_be_added(name: str) -> None:
    model = bert()
    layers = list(model.bert.encoder.layer[1].parameters())
    ids = {id(weight) for weight in layers}
    first = [weight for weight in model.parameters() if id(weight) not in ids]
    method = make_config(name).attach(
        model=model.train(), optimizer=torch.optim.AdamW(first, lr=0.01), train_loader=[batch()]
    )
    step(method, batch())
    method.optimizer.add_param_group({"params": layers})
    before = [weight.detach().clone() for weight in layers]
    for seed in range(3):
        step(method, batch(seed=seed))
    assert any(not torch.equal(old, new) for old, new in zip(before, layers, strict=True))
    if name == "uegr":
        assert len(method.backward.selectable) == len(list(model.bert.parameters()))  # type: ignore[attr-defined]


class DictOutput(nn.Module):
    """A model whose forward requires labels and returns a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = bert()

    def get_input_embeddings(self) -> nn.Module:
        return self.inner.get_input_embeddings()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"logits": self.inner(input_ids=input_ids, attention_mask=attention_mask).logits}


def test_a_dict_output_and_required_labels_are_accepted() -> None:
    model = DictOutput()
    method = attached("uegr", model)
    losses = [step(method, batch()) for _ in range(20)]
    assert losses[-1] < losses[0]


def test_data_parallel_is_unwrapped() -> None:
    model = nn.DataParallel(bert())
    method = attached("uegr", model)
    losses = [step(method, batch()) for _ in range(20)]
    assert losses[-1] < losses[0]


# Weights that are frozen at first


def layers_of(model: nn.Module, number: int) -> list[Tensor]:
    return list(model.bert.encoder.layer[number].parameters())  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("name", METHODS)
def test_unfrozen_weights_are_those_of_a_later_attachment(name: str) -> None:
    """A stage takes in the weights that a loop unfreezes, as if they had been trainable when it looked first."""
    model = bert()
    model.bert.requires_grad_(False)
    method = attached(name, model)
    step(method, batch())
    model.bert.requires_grad_(True)
    step(method, batch(seed=1))
    whole = attached(name, bert())
    for positions in ("selectable", "_body", "_matrices", "pretrained"):
        if hasattr(whole.backward, positions):
            assert list(getattr(method.backward, positions)) == list(getattr(whole.backward, positions))


@pytest.mark.parametrize("mask_mode", ["update", "gradient", "frozen"])
def test_the_scores_of_other_weights_stay_with_them(mask_mode: str) -> None:
    """Gradual unfreezing from the top: the lower layer comes before the one that has scores."""
    model = bert()
    model.bert.requires_grad_(False)
    for weight in layers_of(model, 1):
        weight.requires_grad_(True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)  # no moments to read a score from
    method = make_config("uegr", {"mask_mode": mask_mode, "refresh": 1}).attach(
        model=model.train(), optimizer=optimizer
    )
    step(method, batch())
    scores: Any = method.backward.scores  # type: ignore[attr-defined]
    before = [mean.clone() for mean in scores._means.values()]
    for weight in layers_of(model, 0):
        weight.requires_grad_(True)
    method.loss(batch(seed=1))
    count = len(before)
    assert sorted(scores._means) == list(range(count, 2 * count))
    assert all(torch.equal(scores._means[count + i], mean) for i, mean in enumerate(before))
    for seed in range(3):
        step(method, batch(seed=seed))
    assert len(scores._means) == 2 * count


@pytest.mark.parametrize("name", ["uegr", "roast"])
def test_a_state_that_was_saved_before_unfreezing_fits_afterwards(name: str) -> None:
    model = bert()
    model.bert.embeddings.requires_grad_(False)
    method = attached(name, model)
    step(method, batch())
    scores: Any = method.backward.scores  # type: ignore[attr-defined]
    scores.from_optimizer = False
    step(method, batch())
    resumed = attached(name, bert())
    resumed.optimizer.load_state_dict(method.optimizer.state_dict())
    weights = [weight for group in resumed.optimizer.param_groups for weight in group["params"]]
    body = [
        i
        for i, weight in enumerate(weights)
        if any(weight is other for other in resumed._attached.model.bert.parameters())
    ]
    for i, mean in resumed.backward.scores._means.items():  # type: ignore[attr-defined]
        assert mean.shape == weights[body[i]].shape
    step(resumed, batch())


@pytest.mark.parametrize("name", ["l2-sp", "mixout"])
def test_the_pull_on_weights_that_are_unfrozen_in_a_resumed_training_is_not_lost(name: str) -> None:
    model = bert()
    model.bert.encoder.layer[0].requires_grad_(False)
    method = attached(name, model)
    step(method, batch())
    resumed = attached(name, bert())
    whole = list(resumed.backward.pretrained)  # type: ignore[attr-defined]
    resumed.optimizer.load_state_dict(method.optimizer.state_dict())
    assert sorted(resumed.backward.pretrained) == whole  # type: ignore[attr-defined]


def test_weights_that_were_not_scored_before_training_are_said_to_be_trained_whole() -> None:
    model = bert()
    model.bert.encoder.layer[0].requires_grad_(False)
    method = attached("child-tuning-d", model)
    step(method, batch())
    model.bert.encoder.layer[0].requires_grad_(True)
    with pytest.warns(UegrWarning, match=r"16 parameters were added or unfrozen after .*method\.reset\(\)"):
        step(method, batch())


# Steps without gradients, and gradients that are thrown away


@pytest.mark.parametrize("name", METHODS)
def test_a_step_without_a_backward_pass_is_an_error(name: str) -> None:
    method = attached(name, bert())
    method.loss(batch())
    with pytest.raises(UsageError, match=r"without gradients: call backward\(\) on the loss before it"):
        method.optimizer.step()


@pytest.mark.parametrize("name", METHODS)
def test_a_closure_that_skips_its_batch_makes_no_step(name: str) -> None:
    """Lightning calls step() with a closure that returns None where training_step returned None."""
    model = bert()
    method = attached(name, model)
    before = {key: value.clone() for key, value in model.state_dict().items()}

    def closure() -> None:
        method.optimizer.zero_grad()
        method.loss(batch())

    assert method.optimizer.step(closure) is None
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert method.state_dict()["steps"] == 0
    step(method, batch())


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("name", ["sam", "rose-first"])
def test_gradients_that_the_model_throws_away_are_not_replayed(name: str, set_to_none: bool) -> None:
    """model.zero_grad() in place of method.optimizer.zero_grad(), after a batch that is skipped."""
    model, reference = bert(dropout=0.0), bert(dropout=0.0)
    method, other = attached(name, model), attached(name, reference)
    for loop in (method, other):
        loop.loss(batch(seed=5)).backward()
    model.zero_grad(set_to_none=set_to_none)
    other.optimizer.zero_grad()
    step(method, batch(seed=6))
    step(other, batch(seed=6))
    for weight, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(weight, expected)


# The number of targets


@pytest.mark.parametrize("number", [0, -1, 0.5, float("nan"), torch.tensor(0), np.int64(0)])
def test_a_number_of_targets_that_a_batch_exceeds_is_refused(number: Any) -> None:
    method = attached("plain", bert())
    with pytest.raises(UsageError, match=r"num_items must be the number of targets in all accumulated batches"):
        method.loss(batch(), num_items=number)


@pytest.mark.parametrize("number", ["4", True, torch.ones(2), [4]])
def test_what_is_no_number_of_targets_is_refused(number: Any) -> None:
    with pytest.raises(UsageError, match="num_items must be one number"):
        attached("plain", bert()).loss(batch(), num_items=number)


@pytest.mark.parametrize("number", [None, 0, torch.tensor(0)])
@pytest.mark.parametrize("name", METHODS)
def test_batches_without_a_target_have_the_loss_0(name: str, number: Any) -> None:
    data = {**batch(), "labels": torch.full((4,), -100)}
    loss = attached(name, bert()).loss(data, num_items=number)
    loss.backward()
    assert loss.item() == 0.0
