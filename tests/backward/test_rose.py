"""ROSE updates the matrices whose score is low, and leaves the others alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from support.small_models import bert, gradients_of, weights_of
from support.stages import NO_REPLAY, stage_of
from support.training import DATA, begin
from uegr.backward.rose import ROSESecond, quantile
from uegr.errors import UsageError
from uegr.methods.registry import ROSESecondConfig


def r_drop_gradients(kl_weight: float) -> list[Tensor]:
    """The gradients of R-Drop's loss, whose passes have the dropout of ROSE's."""
    model = bert(dropout=0.3)
    method, _ = begin("r-drop", model, kl_weight=kl_weight)
    method.loss(DATA[0]).backward()
    return [torch.zeros_like(w) if w.grad is None else w.grad for w in model.parameters()]


def test_first_does_not_update_the_matrices_that_dropout_pulls_at() -> None:
    model = bert(dropout=0.3)
    method, optimizer = begin("rose-first", model, upper=0.5)
    before = weights_of(model)
    method.loss(DATA[0]).backward()
    own_gradients = gradients_of(model)
    optimizer.step()
    after = weights_of(model)
    matrices = method.backward._matrices  # type: ignore[attr-defined]
    with_kl, without = (r_drop_gradients(kl_weight) for kl_weight in (1.0, 0.0))
    scores = torch.stack([(with_kl[i] - without[i]).norm() for i in matrices])
    is_high = (scores > scores.quantile(0.5)).tolist()
    assert [torch.equal(before[i], after[i]) for i in matrices] == is_high
    assert sum(is_high) > 0
    for gradient, restored in zip(own_gradients, gradients_of(model), strict=True):
        assert gradient is None or torch.equal(gradient, restored), "the own gradient was lost"  # type: ignore[arg-type]


def test_second_does_not_update_the_matrices_that_depart_from_their_mean_gradient() -> None:
    model = bert(dropout=0.0)
    adamw = torch.optim.AdamW(model.parameters(), lr=0.01)
    method = ROSESecondConfig(upper=0.5).attach(model=model, optimizer=adamw)
    weights = list(model.parameters())
    for i in range(2):
        before = weights_of(model)
        means = [adamw.state[weight]["exp_avg"].clone() if adamw.state else None for weight in weights]
        method.loss(DATA[i]).backward()
        gradients = gradients_of(model)
        method.optimizer.step()
        method.optimizer.zero_grad()
    matrices = method.backward._matrices  # type: ignore[attr-defined]
    scores = torch.tensor([float((0.1 * gradients[i].norm() / means[i].norm() - 1).abs()) for i in matrices])  # type: ignore[union-attr]
    is_high = (scores > scores.quantile(0.5)).tolist()
    after = weights_of(model)
    assert [torch.equal(before[i], after[i]) for i in matrices] == is_high
    for i, high in zip(matrices, is_high, strict=True):
        assert torch.equal(adamw.state[weights[i]]["exp_avg"], means[i]) == high, "moments follow the weights"


def test_second_needs_a_first_moment() -> None:
    model = bert()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    method = ROSESecondConfig().attach(model=model, optimizer=sgd)
    with pytest.raises(UsageError, match="Adam or AdamW"):
        for i in range(2):
            method.loss(DATA[i]).backward()
            method.optimizer.step()


def test_second_takes_the_beta_of_each_group() -> None:
    """In the first step the moment is (1 - beta_1) g, so nothing departs from it."""
    first, second = (torch.nn.Parameter(torch.randn(3, 3)) for _ in range(2))
    optimizer = torch.optim.AdamW([{"params": [first]}, {"params": [second], "betas": (0.5, 0.999)}])
    for weight in (first, second):
        weight.grad = torch.randn(3, 3)
    optimizer.step()
    scores = stage_of(ROSESecond).scores(optimizer, [first, second], NO_REPLAY)
    torch.testing.assert_close(scores, torch.zeros(2), atol=1e-6, rtol=0.0)


@pytest.mark.parametrize("percent", range(1, 101))
def test_the_matrix_at_the_quantile_is_updated(percent: int) -> None:
    """Whatever the rounding: 0.57 of the way from the first of 101 scores to the last is the 58th."""
    for count in (1, 2, 7, 76, 101, 391):
        scores = torch.arange(float(count)).flip(0) / count
        expected = percent * (count - 1) // 100 + 1
        assert int((scores <= quantile(scores, percent / 100)).sum()) == expected
