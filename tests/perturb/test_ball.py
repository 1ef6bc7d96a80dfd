"""The balls of allowed perturbations: radius, projection, direction and random points."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from support.small_models import Linear, batch
from uegr.errors import UsageError
from uegr.modeling.embeddings import embedding_scale, input_embeddings
from uegr.modeling.real_tokens import token_mask
from uegr.perturb.ball import Ball, Norm

NORMS: list[Norm] = ["l2", "l2_token", "linf"]


@given(st.sampled_from(NORMS), st.integers(0, 99), st.floats(0.01, 10), st.floats(0.01, 3))
def test_projection_ends_in_the_ball_and_leaves_its_points_alone(
    norm: Norm, seed: int, size: float, radius: float
) -> None:
    ball = Ball(norm)
    delta = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(seed)) * size
    bound = torch.full((3, 1, 1), radius)
    projected = ball.project(delta, bound)
    assert (ball.length(projected) <= bound * (1 + 1e-5)).all()
    torch.testing.assert_close(ball.project(projected, bound), projected)


@given(st.sampled_from(NORMS), st.integers(0, 99))
def test_a_random_point_lies_in_the_ball_and_off_the_padding_and_repeats(norm: Norm, seed: int) -> None:
    ball, mask, radius = Ball(norm), token_mask(batch()), torch.full((4, 1, 1), 0.3)
    points = [ball.random_point(radius, mask, 5, torch.Generator().manual_seed(seed)) for _ in range(2)]
    assert points[0].shape == (*mask.shape[:2], 5)
    assert (ball.length(points[0]) <= 0.3 * (1 + 1e-5)).all()
    assert (points[0] * (1 - mask) == 0).all()
    assert torch.equal(*points)


@pytest.mark.parametrize("norm", NORMS)
def test_the_direction_has_length_one_and_raises_a_linear_loss_most(norm: Norm) -> None:
    ball, generator = Ball(norm), torch.Generator().manual_seed(0)
    gradient = torch.randn(3, 4, 5, generator=generator)
    direction = ball.direction(gradient)
    torch.testing.assert_close(ball.length(direction), torch.ones_like(ball.length(direction)))
    rise = (gradient * direction).sum(dim=(1, 2))
    for _ in range(50):
        point = ball.random_point(torch.ones(3, 1, 1), torch.ones(3, 4, 1), 5, generator)
        assert ((gradient * point).sum(dim=(1, 2)) <= rise + 1e-5).all()


def test_a_relative_radius_follows_the_embedding_norm_and_the_number_of_tokens() -> None:
    model, mask = Linear(), token_mask(batch())
    scale = embedding_scale(model)
    tokens = mask.sum(dim=1, keepdim=True)
    torch.testing.assert_close(Ball("l2").unit(scale, mask), scale.norm * tokens.sqrt())
    torch.testing.assert_close(Ball("l2_token").unit(scale, mask), torch.full_like(tokens, scale.norm))
    torch.testing.assert_close(Ball("linf").unit(scale, mask), torch.full_like(tokens, scale.norm / 6**0.5))
    assert (Ball("l2", relative=False).unit(scale, mask) == 1).all()
    with torch.no_grad():
        input_embeddings(model).weight.mul_(2)
    torch.testing.assert_close(Ball("l2").unit(embedding_scale(model), mask), 2 * scale.norm * tokens.sqrt())


def test_a_gradient_of_zero_leaves_delta_finite() -> None:
    ball, zero = Ball("l2"), torch.zeros(2, 3, 4)
    moved = ball.ascend(zero, zero, torch.ones(2, 1, 1), torch.ones(2, 1, 1), torch.ones(2, 3, 1))
    assert torch.equal(moved, zero)


def test_an_unknown_norm_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown norm"):
        Ball("l3")  # type: ignore[arg-type]
