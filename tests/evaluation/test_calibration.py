"""Calibration against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uegr.evaluation.calibration import brier_score, measure_calibration
from uegr.modeling.calibration_error import expected_calibration_error


def sample(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(classes), n), generator.integers(0, classes, n)


@given(n=st.integers(1, 60), classes=st.integers(2, 5), seed=st.integers(0, 10**6))
def test_the_bins_hold_every_example_and_give_back_accuracy_and_ece(n: int, classes: int, seed: int) -> None:
    probabilities, labels = sample(n, classes, seed)
    part = measure_calibration(probabilities, labels)
    filled = [entry for entry in part["bins"] if entry["count"]]
    counts = np.array([entry["count"] for entry in filled])
    assert counts.sum() == n
    assert all(entry["low"] <= entry["confidence"] <= entry["high"] + 1e-12 for entry in filled)
    assert np.dot(counts, [entry["accuracy"] for entry in filled]) / n == pytest.approx(part["accuracy"])
    gap = np.dot(counts, [abs(entry["accuracy"] - entry["confidence"]) for entry in filled]) / n
    assert gap == pytest.approx(expected_calibration_error(probabilities, labels))


def test_brier_score_of_two_classes_is_twice_the_squared_miss() -> None:
    assert brier_score(np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([0, 0])) == pytest.approx(0.04 + 0.49)
