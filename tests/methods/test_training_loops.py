"""What a user's own loop may do: skip a batch, validate, bring a loss function, add parameters, freeze the encoder."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.attached_methods import attached, step
from support.small_models import batch, bert, hook_count, llama, recompute_activations
from uegr.backward.parameter_positions import body_positions
from uegr.errors import UsageError
from uegr.methods.method import Method
from uegr.methods.method_lookup import METHODS, make_config


def assert_leaves_no_trace(
    name: str, skip: Callable[[nn.Module, Method], object], train: Callable[[Method], None]
) -> None:
    """Train two equal models, the second after a batch that is skipped: the weights are the same."""
    models = [bert(dropout=0.0), bert(dropout=0.0)]
    for model, skips in zip(models, (False, True), strict=True):
        method = attached(name, model)
        if skips:
            skip(model, method)
            method.load_state_dict({**method.state_dict(), "calls": 0})  # the same dropout seeds as in the other loop
        train(method)
    for first, second in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.isfinite(second).all()
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize("name", METHODS)
def test_a_skipped_batch_leaves_no_trace(name: str) -> None:
    """`if not isfinite(loss): zero_grad(); continue`: the weights and the next step are those of a loop without it."""

    def skip(model: nn.Module, method: Method) -> None:
        before = {key: value.clone() for key, value in model.state_dict().items()}
        method.loss(batch(seed=5)) * float("nan")
        method.optimizer.zero_grad()
        assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())

    assert_leaves_no_trace(name, skip, lambda method: step(method, batch(seed=6)))


@pytest.mark.parametrize("name", METHODS)
def test_a_skipped_step_is_thrown_away_after_the_next_loss(name: str) -> None:
    """Loss, zero_grad, backward, step, as in Lightning; a GradScaler skips the step of gradients that overflow."""

    def train(method: Method) -> None:
        for seed in (6, 7):
            loss = method.loss(batch(seed=seed))
            method.optimizer.zero_grad()
            loss.backward()
            method.optimizer.step()
        assert method.state_dict()["steps"] == 2

    assert_leaves_no_trace(name, lambda _, method: method.loss(batch(seed=5)).backward(), train)


@pytest.mark.parametrize("name", METHODS)
def test_gradients_of_a_second_optimizer_are_those_of_the_loss(name: str) -> None:
    """The scoring before the training and the second gradient of a step change no gradient of the head."""
    model = bert(dropout=0.1)
    body = torch.optim.SGD(model.bert.parameters(), lr=0.01)
    method = make_config(name).attach(model=model, optimizer=body, train_loader=[batch(), batch(seed=1)])
    head = list(model.classifier.parameters())
    assert all(weight.grad is None for weight in head)
    method.loss(batch(seed=2)).backward()
    before = [weight.grad.clone() for weight in head if weight.grad is not None]
    method.optimizer.step()
    assert len(before) == len(head)
    for weight, gradient in zip(head, before, strict=True):
        assert weight.grad is not None
        torch.testing.assert_close(weight.grad, gradient, rtol=0, atol=0)


def test_gradients_that_are_thrown_away_are_not_replayed() -> None:
    model, reference = bert(dropout=0.0), bert(dropout=0.0)
    method, plain = attached("sam", model), attached("sam", reference)
    (method.loss(batch(seed=5)) * float("inf")).backward()
    method.optimizer.zero_grad()
    step(method, batch(seed=6))
    step(plain, batch(seed=6))
    for weight, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(weight, expected)


def test_a_second_backward_pass_through_a_skipped_loss_is_no_loss_of_this_step() -> None:
    method = attached("plain", bert(dropout=0.0))
    loss = method.loss(batch())
    for _ in range(2):
        loss.backward(retain_graph=True)
    method.optimizer.zero_grad()
    loss.backward()
    with pytest.raises(UsageError, match="without its forward stage"):
        method.optimizer.step()


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


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sam", "a second gradient"),
        ("mixout", "changes the weights"),
        ("fgm", "plain fine-tuning"),
        ("neftune", "plain fine-tuning"),
    ],
)
def test_a_backward_stage_that_does_nothing_alone_is_refused(name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f"{reason}.*leave out backward_only=True"):
        attached(name, bert(), backward_only=True)
    attached("plain", bert(), backward_only=True)


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


@pytest.mark.parametrize(
    ("name", "options", "same_as", "same_options"),
    [
        ("freelb", {"init_magnitude": 0.0, "ascent_rate": 0.0}, "plain", {}),
        ("uegr", {"passes": 1, "reuse": True}, "uegr", {"passes": 1}),
    ],
)
def test_weights_of_the_users_loss_have_their_gradient(
    name: str, options: dict[str, object], same_as: str, same_options: dict[str, object]
) -> None:
    """A temperature outside of the model, which the optimizer trains."""
    gradients = []
    for config in (make_config(name, options), make_config(same_as, same_options)):
        model, temperature = bert(dropout=0.0).train(), nn.Parameter(torch.ones(()))

        def loss_fn(logits: Tensor, labels: Tensor, divisor: Tensor = temperature) -> Tensor:
            return F.cross_entropy(logits / divisor, labels, reduction="none")

        optimizer = torch.optim.AdamW([*model.parameters(), temperature])
        config.attach(model=model, optimizer=optimizer, loss_fn=loss_fn).loss(batch()).backward()
        assert temperature.grad is not None
        gradients.append(temperature.grad)
    torch.testing.assert_close(*gradients)


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


@pytest.mark.parametrize("name", ["uegr", "r-drop"])
def test_the_losses_of_a_step_may_be_added_up_before_their_backward_pass(name: str) -> None:
    """Gradient checkpointing runs the layers of both again, each with the dropout of its own passes."""
    gradients = []
    for added_up in (False, True):
        model = llama()
        recompute_activations(model)
        hooks, method = hook_count(model), attached(name, model)
        if added_up:
            (method.loss(batch(seed=5)) + method.loss(batch(seed=6))).backward()
        else:
            method.loss(batch(seed=5)).backward()
            method.loss(batch(seed=6)).backward()
        gradients.append([weight.grad for weight in model.parameters()])
        method.optimizer.step()
        assert hook_count(model) == hooks
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize("name", METHODS)
def test_a_loss_that_fails_leaves_the_model_as_it_was(name: str) -> None:
    """A loop may catch the error and go on, or evaluate the model."""
    model = bert()
    recompute_activations(model)
    hooks, method = hook_count(model), attached(name, model)
    step(method, batch())
    weights = [weight.clone() for weight in model.parameters()]
    with pytest.raises(UsageError, match="not one of the model's 2 classes"):
        method.loss({**batch(), "labels": torch.full((4,), 7)})
    assert all(map(torch.equal, weights, model.parameters()))
    assert hook_count(model) == hooks
    with pytest.raises(UsageError, match=r"without method\.loss"):
        method.optimizer.step()
    step(method, batch())
