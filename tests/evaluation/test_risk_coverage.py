"""Selective prediction against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uegr.evaluation.risk_coverage import measure_selective_prediction


def sample(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(classes), n), generator.integers(0, classes, n)


def test_risk_rises_as_coverage_does_where_confidence_tells_and_not_below_the_oracle() -> None:
    """Four examples; the surest two are right, then one wrong, one right: risks 0, 0, 1/3, 1/4."""
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    part = measure_selective_prediction(probabilities, np.array([0, 0, 0, 1]))
    assert part["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert part["risk"] == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert part["aurc"] == pytest.approx((1 / 3 + 1 / 4) / 4)
    assert part["aurc_oracle"] == pytest.approx((1 / 4) / 4)


@given(n=st.integers(1, 300), seed=st.integers(0, 10**6))
def test_selective_ends_at_the_error_rate_and_the_oracle_is_best(n: int, seed: int) -> None:
    probabilities, labels = sample(n, 3, seed)
    part = measure_selective_prediction(probabilities, labels)
    assert part["coverage"][-1] == 1.0
    assert part["risk"][-1] == pytest.approx((probabilities.argmax(1) != labels).mean())
    assert part["aurc_oracle"] <= part["aurc"] + 1e-12
    assert len(part["risk"]) == len(part["coverage"]) <= 100


def test_equal_confidences_have_no_order() -> None:
    probabilities = np.array([[0.9, 0.1]] + [[0.8, 0.2]] * 4)
    labels = np.array([0, 0, 0, 1, 1])
    part = measure_selective_prediction(probabilities, labels)
    assert part == measure_selective_prediction(probabilities[::-1], labels[::-1])
    assert part["risk"] == pytest.approx([0, 0.5 / 2, 1 / 3, 1.5 / 4, 2 / 5])
