"""SAM steps with the gradient at the worst weights nearby."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from support.small_models import bert
from support.training import DATA, LEARNING_RATE, assert_same_weights, begin, task_gradients, train
from uegr.errors import UsageError


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("accumulate", [False, True])
def test_a_step_is_the_gradient_at_the_worst_weights_nearby(adaptive: bool, accumulate: bool) -> None:
    trained = train("sam", steps=1, accumulate=accumulate, rho=0.3, adaptive=adaptive)
    model = bert(dropout=0.0)
    weights, gradients = list(model.parameters()), task_gradients(model, DATA[0])
    scales = [weight.detach().abs() if adaptive else torch.ones_like(weight) for weight in weights]
    length = torch.cat([(t * g).flatten() for t, g in zip(scales, gradients, strict=True)]).norm()
    worst = copy.deepcopy(model)
    with torch.no_grad():
        for weight, t, g in zip(worst.parameters(), scales, gradients, strict=True):
            weight += 0.3 * t**2 * g / length
    second_gradients = task_gradients(worst, DATA[0])
    with torch.no_grad():
        for weight, g in zip(weights, second_gradients, strict=True):
            weight -= LEARNING_RATE * g
    assert_same_weights(trained, model)


def test_the_second_gradient_has_the_dropout_of_the_first() -> None:
    """With rho 0 both gradients are the same, dropout included."""
    assert_same_weights(train("sam", model_dropout=0.3, rho=0.0), train("plain", model_dropout=0.3))


def test_the_second_gradient_takes_the_factor_of_an_accumulating_loop() -> None:
    models = []
    for name, options in (("plain", {}), ("sam", {"rho": 0.0})):
        model, options_of_method = bert(dropout=0.0), dict[str, Any](options)
        method, optimizer = begin(name, model, **options_of_method)
        for data in DATA[:2]:
            (method.loss(data) / 2).backward()
        optimizer.step()
        models.append(model)
    assert_same_weights(*models)


def test_fp16_is_refused_because_a_scaler_cannot_scale_the_second_gradient() -> None:
    method, _ = begin("sam", bert())
    with pytest.raises(UsageError, match="bf16 or float32"), torch.autocast("cpu", torch.float16):
        method.loss(DATA[0])
