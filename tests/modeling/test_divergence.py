"""The Jensen-Shannon divergence of k distributions, and its counterparts."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import Tensor

from uegr.modeling.divergence import (
    binary_jensen_shannon_per_pass,
    jensen_shannon_per_pass,
    symmetric_kl,
    variance_per_pass,
)


def definition(logits: Tensor) -> Tensor:
    """JS = H(mean P) - mean H(P), as it is written."""
    p = logits.double().softmax(-1)

    def entropy(q: Tensor) -> Tensor:
        return -(q * q.log()).sum(-1)

    return entropy(p.mean(0)) - entropy(p).mean(0)


def jensen_shannon(log_probabilities: Tensor) -> Tensor:
    """The divergence of the k passes, (...)."""
    return jensen_shannon_per_pass(log_probabilities).mean(dim=0)


@st.composite
def logits(draw: st.DrawFn) -> Tensor:
    """Of k passes, some examples and some classes."""
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(2, 6)))
    scale = draw(st.floats(0.01, 20))
    return torch.randn(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 999)))) * scale


@given(logits())
def test_equals_the_definition(x: Tensor) -> None:
    torch.testing.assert_close(jensen_shannon(x.log_softmax(-1)).double(), definition(x), atol=2e-6, rtol=1e-4)


@given(logits())
def test_lies_between_zero_and_log_k(x: Tensor) -> None:
    js = jensen_shannon(x.log_softmax(-1))
    assert (js >= 0).all()
    assert (js <= math.log(x.shape[0]) + 1e-6).all()


@given(logits())
def test_does_not_depend_on_the_order_of_the_passes(x: Tensor) -> None:
    torch.testing.assert_close(jensen_shannon(x.log_softmax(-1)), jensen_shannon(x.flip(0).log_softmax(-1)))


@pytest.mark.parametrize("k", [2, 3, 7])
def test_is_zero_for_equal_distributions_and_log_k_for_disjoint_ones(k: int) -> None:
    same = torch.randn(1, 4, 5).log_softmax(-1).expand(k, 4, 5)
    torch.testing.assert_close(jensen_shannon(same), torch.zeros(4), atol=1e-6, rtol=0)
    disjoint = torch.eye(k).unsqueeze(1).log()
    torch.testing.assert_close(jensen_shannon(disjoint), torch.full((1,), math.log(k)))


def test_the_gradient_is_finite_where_the_passes_are_certain_of_different_classes() -> None:
    x = torch.tensor([[[80.0, -80.0]], [[-80.0, 80.0]]], requires_grad=True)
    jensen_shannon(x.log_softmax(-1)).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_the_binary_form_is_that_of_two_classes() -> None:
    x = torch.randn(3, 5, 1)
    pairs = torch.stack([x, torch.zeros_like(x)], dim=-1).squeeze(2).log_softmax(-1)
    torch.testing.assert_close(binary_jensen_shannon_per_pass(x), jensen_shannon_per_pass(pairs))


def test_each_pass_adds_its_kl_from_the_mean() -> None:
    p = torch.randn(3, 4, 5).double().softmax(-1)
    expected = (p * (p / p.mean(0)).log()).sum(-1)
    torch.testing.assert_close(jensen_shannon_per_pass(p.log()), expected)


def test_symmetric_kl_is_the_sum_of_both_directions() -> None:
    p, q = (torch.randn(4, 5).double().softmax(-1) for _ in range(2))
    expected = (p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)
    torch.testing.assert_close(symmetric_kl(p.log(), q.log()), expected)


def test_variance_is_the_population_variance() -> None:
    x = torch.randn(5, 7, 1)
    torch.testing.assert_close(variance_per_pass(x).mean(0), x.var(dim=0, correction=0).mean(-1))
