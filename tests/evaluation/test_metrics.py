from __future__ import annotations

import numpy as np
import pytest

from uegr.evaluation.metrics import accuracy, expected_calibration_error, negative_log_likelihood


def test_closed_forms() -> None:
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1]])
    labels = np.array([0, 1, 0, 0])
    assert accuracy(probabilities, labels) == 0.75
    assert negative_log_likelihood(probabilities, labels) == pytest.approx(-np.log([0.8, 0.6, 0.3, 0.9]).mean())


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    """Confidence 0.9, right in 6 of 10: the gap is 0.3; a model that is right as often as it says has none."""
    probabilities = np.tile([0.9, 0.1], (10, 1))
    assert expected_calibration_error(probabilities, np.array([0] * 6 + [1] * 4)) == pytest.approx(0.3)
    assert expected_calibration_error(probabilities, np.array([0] * 9 + [1])) == pytest.approx(0.0)


def test_calibration_error_weighs_its_bins() -> None:
    probabilities = np.array([[0.99, 0.01]] * 3 + [[0.6, 0.4]])
    labels = np.array([0, 0, 0, 1])
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.75 * 0.01 + 0.25 * 0.6)


def test_certainty_falls_into_the_last_bin() -> None:
    assert expected_calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0
