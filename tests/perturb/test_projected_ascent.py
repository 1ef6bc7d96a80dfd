"""Projected gradient ascent on the embeddings, on a linear model where the optimum is known and on a BERT."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.small_models import Linear, batch, bert, logits_of
from uegr.errors import UsageError
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.real_tokens import token_mask
from uegr.perturb.ball import Ball, Norm
from uegr.perturb.projected_ascent import ProjectedAscent

NORMS: list[Norm] = ["l2", "l2_token", "linf"]


def loss_at(model: nn.Module, data: dict[str, Tensor], delta: Tensor) -> Tensor:
    """The loss of each example with `delta` on its embeddings."""
    with perturbed(model, data, delta):
        return F.cross_entropy(logits_of(model, data), data["labels"], reduction="none")


def gradient_at(model: nn.Module, data: dict[str, Tensor], delta: Tensor) -> Tensor:
    """The gradient of the summed loss by the embeddings."""
    leaf = delta.detach().requires_grad_()
    return torch.autograd.grad(loss_at(model, data, leaf).sum(), leaf)[0]


def attack(model: nn.Module, data: dict[str, Tensor], norm: Norm, epsilon: float, steps: int = 1) -> Tensor:
    """The perturbation of a relative radius, from the centre of the ball."""
    ball, mask = Ball(norm), token_mask(data)
    scale = embedding_scale(model)
    start = torch.zeros((*mask.shape[:2], scale.width))
    radius = epsilon * ball.unit(scale, mask)
    return ProjectedAscent(ball, steps).perturb(lambda delta: gradient_at(model, data, delta), radius, mask, start)


def test_a_linear_classifier_gets_the_optimal_perturbation() -> None:
    """For a linear two-class model the optimum in l2 is epsilon * g / |g|: no random delta raises the loss more."""
    model, data = Linear(), batch()
    ball, mask = Ball("l2", relative=False), token_mask(data)
    start, radius = torch.zeros(4, 7, 6), 0.5 * torch.ones(4, 1, 1)
    delta = ProjectedAscent(ball).perturb(lambda at: gradient_at(model, data, at), radius, mask, start)
    gradient = gradient_at(model, data, start)
    torch.testing.assert_close(delta, 0.5 * gradient / gradient.flatten(1).norm(dim=1)[:, None, None])
    highest_loss = loss_at(model, data, delta)
    generator = torch.Generator().manual_seed(1)
    for _ in range(100):
        random_delta = ball.direction(torch.randn(delta.shape, generator=generator) * mask) * 0.5
        assert (loss_at(model, data, random_delta) <= highest_loss + 1e-6).all()


def test_a_step_in_the_max_norm_is_the_sign_of_the_gradient() -> None:
    model, data = Linear(), batch()
    delta = attack(model, data, "linf", 0.1)
    radius = 0.1 * embedding_scale(model).norm / 6**0.5
    torch.testing.assert_close(delta, radius * gradient_at(model, data, torch.zeros_like(delta)).sign())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_attack_raises_the_loss_and_stays_in_the_ball_and_off_the_padding(norm: Norm, steps: int) -> None:
    model, data = bert(dropout=0.0).eval(), batch(8)
    delta = attack(model, data, norm, 0.05, steps)
    ball, mask = Ball(norm), token_mask(data)
    radius = 0.05 * ball.unit(embedding_scale(model), mask)
    assert (ball.length(delta) <= radius * (1 + 1e-5)).all()
    assert (delta * (1 - mask) == 0).all()
    assert loss_at(model, data, delta).mean() > loss_at(model, data, torch.zeros_like(delta)).mean()


@pytest.mark.parametrize("norm", NORMS)
def test_the_delta_of_an_example_does_not_depend_on_its_batch(norm: Norm) -> None:
    model, data = bert(dropout=0.0).eval(), batch(5)
    together = attack(model, data, norm, 0.05)
    for i in range(5):
        alone = attack(model, {key: value[i : i + 1] for key, value in data.items()}, norm, 0.05)
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=1e-3)


def test_a_first_gradient_that_is_there_already_is_not_computed_again() -> None:
    model, data = Linear(), batch()
    mask, start, radius = token_mask(data), torch.zeros(4, 7, 6), torch.ones(4, 1, 1)
    calls = []

    def counted(delta: Tensor) -> Tensor:
        calls.append(delta)
        return gradient_at(model, data, delta)

    ascent = ProjectedAscent(Ball("l2", relative=False), steps=3)
    without = ascent.perturb(counted, radius, mask, start)
    assert len(calls) == 3
    reused = ascent.perturb(counted, radius, mask, start, first_gradient=gradient_at(model, data, start))
    torch.testing.assert_close(reused, without)
    assert len(calls) == 3 + 2


@pytest.mark.parametrize(("steps", "share"), [(1, 1.0), (5, 0.5)])
def test_steps_without_a_size_can_cross_the_ball(steps: int, share: float) -> None:
    """One step reaches the surface; K steps have length 2.5 / K of the radius."""
    moves = []

    def uphill(delta: Tensor) -> Tensor:
        moves.append(float(delta[0, 0, 0]))
        return torch.ones_like(delta)

    ascent = ProjectedAscent(Ball("linf", relative=False), steps)
    end = ascent.perturb(uphill, torch.full((1, 1, 1), 2.0), torch.ones(1, 1, 1), torch.zeros(1, 1, 1))
    assert float(end) == 2.0
    assert moves[:2] == pytest.approx([0.0, 2.0 * share][: len(moves)])


@pytest.mark.parametrize(("options", "message"), [({"steps": 0}, "steps"), ({"step_size": 0.0}, "step_size")])
def test_impossible_options_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ProjectedAscent(Ball(), **options)  # type: ignore[arg-type]
