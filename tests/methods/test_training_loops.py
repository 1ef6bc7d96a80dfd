"""What a user's own loop may do: skip a batch, validate, bring a loss function, add parameters, freeze the encoder."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.attached_methods import attached, step
from support.small_models import batch, bert, hook_count, llama, recompute_activations
from uegr.backward.parameter_positions import body_positions
from uegr.errors import UsageError
from uegr.methods.method_lookup import METHODS, make_config


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
