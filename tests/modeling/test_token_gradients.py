"""A model that lets no gradient through to its token embeddings is named, by methods and by attacks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from conftest import tokenizer
from support.small_models import Linear, batch, bert
from uegr import attacks
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.methods.method_lookup import METHODS, make_config
from uegr.modeling.output_logits import logits_of_batch
from uegr.modeling.token_gradients import gradient_at_tokens, require_gradient


class Cut(Linear):
    """As a quantized encoder, or one that runs under torch.no_grad()."""

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        return SimpleNamespace(logits=self.head(self.mean_embedding(input_ids, attention_mask).detach()))


def confident_gradient(dtype: torch.dtype) -> torch.Tensor:
    model = bert().eval()
    model.classifier.weight.data *= 100.0
    examples = {**batch(), "labels": logits_of_batch(model, batch()).argmax(1)}
    evaluated = EvaluatedModel(model.to(dtype), tokenizer())
    start = torch.zeros(*examples["input_ids"].shape, model.config.hidden_size)
    return evaluated.gradient_at(examples, start, evaluated.task(examples).attack_loss)[2].flatten(1)


def test_a_model_in_float16_has_gradients_for_confident_examples() -> None:
    gradient, rounded = confident_gradient(torch.float32), confident_gradient(torch.float16)
    small = (gradient.norm(dim=1) > 0) & (gradient.norm(dim=1) < 1e-7)  # less than float16 holds
    assert small.any()
    torch.testing.assert_close(rounded[small].norm(dim=1), gradient[small].norm(dim=1), rtol=0.1, atol=0.0)


@pytest.mark.parametrize("name", [*METHODS, "uegr reuse"])
def test_every_method_trains_or_says_what_stops_it(name: str) -> None:
    model = Cut(dropout=0.1)
    method_name, _, option = name.partition(" ")
    config = make_config(method_name, {option: True} if option else {})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    method = config.attach(model=model.train(), optimizer=optimizer, train_loader=[batch()])
    try:
        method.loss(batch()).backward()
    except UsageError as error:
        assert "no gradient of the loss reaches the token embeddings" in str(error)  # noqa: PT017
    else:
        assert method_name not in {"uegr", "fgm", "pgd", "freelb", "smart", "roast"}
        method.optimizer.step()


@pytest.mark.parametrize("attack", [attacks.PGD(), attacks.AutoPGD()])
def test_attacks_say_so_too(attack: Any) -> None:
    with pytest.raises(UsageError, match="no gradient of the loss reaches the token embeddings"):
        attack(Cut().eval(), batch(), [0.5])


def test_a_gradient_that_arrives_is_that_of_torch() -> None:
    delta = torch.tensor([1.0, 2.0], requires_grad=True)
    assert torch.equal(gradient_at_tokens((delta**2).sum(), delta), 2 * delta)
    with pytest.raises(UsageError):
        gradient_at_tokens(torch.ones(()), delta)
    assert torch.equal(require_gradient(delta), delta)
