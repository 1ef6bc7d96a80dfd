from __future__ import annotations

import numpy as np
import pytest

from uegr.modeling.calibration_error import expected_calibration_error
from uegr.modeling.metrics import (
    METRICS,
    accuracy,
    entity_f1,
    f1,
    label_macro_f1,
    macro_f1,
    matthews,
    mean_average_precision,
    mean_reciprocal_rank,
    negative_log_likelihood,
    pearson,
    spearman,
)


def test_closed_forms() -> None:
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1]])
    labels = np.array([0, 1, 0, 0])
    assert accuracy(probabilities, labels) == 0.75
    assert negative_log_likelihood(probabilities, labels) == pytest.approx(-np.log([0.8, 0.6, 0.3, 0.9]).mean())


def test_a_confident_error_has_its_whole_likelihood() -> None:
    assert negative_log_likelihood(np.array([[1.0, 1e-30]]), np.array([1])) == pytest.approx(30 * np.log(10))
    assert np.isfinite(negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1])))


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


def test_published_metrics_on_counts_worked_out_by_hand() -> None:
    """Predicted 1 1 1 0 0, labels 1 1 0 0 1: two true positives, one false of each kind, one true negative."""
    probabilities = np.array([[0.2, 0.8]] * 3 + [[0.7, 0.3]] * 2)
    labels = np.array([1, 1, 0, 0, 1])
    assert f1(probabilities, labels) == pytest.approx(4 / 6)
    assert macro_f1(probabilities, labels) == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert matthews(probabilities, labels) == pytest.approx((2 * 1 - 1 * 1) / np.sqrt(3 * 3 * 2 * 2))
    assert matthews(np.tile([0.9, 0.1], (5, 1)), labels) == 0.0


def test_correlations() -> None:
    labels = np.array([0.0, 1.0, 2.0, 4.0])
    assert pearson(3 * labels - 7, labels) == pytest.approx(1.0)
    assert spearman(-np.exp(labels), labels) == pytest.approx(-1.0)
    assert pearson(-np.exp(labels), labels) > -1.0
    assert pearson(np.ones(4), labels) == 0.0


def test_candidates_are_ranked_within_their_question() -> None:
    """Question a: the right one second of three; b: first; c has none and does not count."""
    groups = ["a", "b", "a", "c", "a"]
    score = np.array([0.9, 0.1, 0.5, 0.8, 0.2])
    labels = np.array([0, 1, 1, 0, 0])
    probabilities = np.stack([1 - score, score], axis=1)
    assert mean_reciprocal_rank(probabilities, labels, groups) == pytest.approx((1 / 2 + 1) / 2)
    assert mean_average_precision(probabilities, labels, groups) == pytest.approx((1 / 2 + 1) / 2)


def test_equal_scores_rank_alike_in_any_order() -> None:
    probabilities = np.tile([0.5, 0.5], (4, 1))
    for labels in ([1, 0, 0, 0], [0, 0, 0, 1]):
        assert mean_reciprocal_rank(probabilities, np.array(labels), ["q"] * 4) == pytest.approx(1 / 2.5)


def test_entities_count_whole_and_tags_without_prefixes_one_by_one() -> None:
    labels = [["B-person", "I-person", "O"], ["B-place"], ["O", "O"]]
    assert entity_f1(labels, labels) == 1.0
    half = [["B-person", "O", "O"], ["B-place"], ["O", "O"]]  # one entity of two, and one that ends too early
    assert entity_f1(half, labels) == pytest.approx(0.5)
    assert entity_f1([["O", "O", "O"], ["O"], ["O", "O"]], labels) == 0.0
    kinds = [["noun", "verb", "O"]]
    assert entity_f1([["noun", "noun", "O"]], kinds) == pytest.approx(0.5)
    assert entity_f1([["noun", "O"]], [["noun", "noun"]]) == pytest.approx(2 / 3)  # O is predicted only
    assert entity_f1([["1", "0", "0"]], [["1", "2", "0"]]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("prefixes", ["BILU", "BIES", "BMES"])
def test_entities_that_stand_side_by_side_are_two(prefixes: str) -> None:
    first, inside, last, alone = (f"{prefix}-person" for prefix in prefixes)
    labels = [[alone, alone, "O", first, inside, last, first, last]]
    assert entity_f1(labels, labels) == 1.0
    joined = [[first, last, "O", first, inside, inside, inside, last]]
    assert entity_f1(joined, labels) == 0.0
    half = [[alone, alone, "O", first, inside, last, "O", "O"]]
    assert entity_f1(half, labels) == pytest.approx(2 * 3 / (3 + 4))


def test_an_m_is_the_middle_of_an_entity_only_beside_a_b() -> None:
    """M- and S- alone may be names of tags."""
    assert entity_f1([["M-x", "M-x"]], [["M-x", "S-x"]]) == pytest.approx(0.5)


def test_a_squared_error_of_any_unit_can_be_read() -> None:
    assert [METRICS["mse"].text(value) for value in (2206078820.2, 0.35, 4.2e-8)] == ["2.206e+09", "0.35", "4.2e-08"]


def test_macro_f1_of_labels_is_the_mean_of_their_f1() -> None:
    labels, decisions = np.array([[1, 0], [0, 1], [1, 0]]), np.array([[1, 0], [0, 0], [0, 0]])
    assert label_macro_f1(decisions, labels) == pytest.approx((2 / 3 + 0) / 2)
    assert label_macro_f1(decisions[:, :1], labels[:, :1]) == pytest.approx(2 / 3), "absence of a label is no class"
    assert label_macro_f1(np.zeros((3, 1), int), np.zeros((3, 1), int)) == 0.0


def test_macro_f1_leaves_out_a_class_that_is_neither_predicted_nor_a_label() -> None:
    right = np.eye(5)[[0, 1, 1, 3]]
    assert macro_f1(right, np.array([0, 1, 1, 3])) == 1.0
    assert macro_f1(right, np.array([0, 1, 1, 4])) == 0.5  # 3 is predicted and 4 a label, each with F1 0
