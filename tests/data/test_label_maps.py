"""The classes of a model are mapped to those of another task."""

from __future__ import annotations

import numpy as np
import pytest

from uegr.data.label_maps import FAMILIES, label_map
from uegr.data.task_registry import TASKS
from uegr.errors import UsageError

NLI = ("entailment", "neutral", "contradiction")


def test_every_class_of_a_family_is_declared() -> None:
    for name, task in TASKS.items():
        if task.family and task.labels:
            assert {*task.labels} <= {*FAMILIES[task.family]}, name


def test_three_classes_are_scored_on_two() -> None:
    mapping = label_map(NLI, ("entailment", "not_entailment"), ("nli", "nli"))
    assert mapping.names == ("entailment", "not_entailment")
    probabilities = np.array([[0.4, 0.3, 0.3], [0.6, 0.1, 0.3]])
    assert mapping.probabilities(probabilities) == pytest.approx(np.array([[0.4, 0.6], [0.6, 0.4]]))
    assert mapping.labels(np.array([0, 1])).tolist() == [0, 1]


def test_two_classes_are_scored_on_three() -> None:
    mapping = label_map(("not_entailment", "entailment"), NLI, ("nli", "nli"))
    assert mapping.names == ("entailment", "not_entailment")
    assert mapping.probabilities(np.array([[0.9, 0.1]])) == pytest.approx(np.array([[0.1, 0.9]]))
    assert mapping.labels(np.array([0, 1, 2])).tolist() == [0, 1, 1]


def test_two_classes_stand_in_the_order_of_the_models() -> None:
    declared = {"spam": "junk", "ham": "ok"}
    mapping = label_map(("ham", "spam"), ("junk", "ok"), (None, None), declared, like_source=True)
    assert mapping.names == ("ok", "junk")
    assert [mapping.names[label] for label in mapping.labels(np.array([0, 1]))] == ["junk", "ok"]
    assert label_map(("ham", "spam"), ("junk", "ok"), (None, None), declared).names == ("junk", "ok")


def test_texts_of_classes_that_the_users_map_does_not_name_are_left_out() -> None:
    declared = {"1": "bad", "5": "good"}
    for like_source in (True, False):
        mapping = label_map(("1", "5"), ("good", "mixed", "bad"), (None, None), declared, like_source=like_source)
        assert mapping.names == (("bad", "good") if like_source else ("good", "bad"))
        labels = mapping.labels(np.array([0, 1, 2])).tolist()
        assert [mapping.names[label] if label >= 0 else None for label in labels] == ["good", None, "bad"]
        likely = mapping.names[int(mapping.probabilities(np.array([[0.9, 0.1]])).argmax())]
        assert likely == "bad"


@pytest.mark.parametrize("declared", [{"ham": "ok"}, {"spam": "junk"}, {"ham": "junk", "spam": "junk"}])
def test_a_map_to_one_class_is_refused(declared: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="only, and every text would be right"):
        label_map(("ham", "spam"), ("junk", "ok"), (None, None), declared)


def test_same_classes_in_another_order_are_matched_by_name() -> None:
    mapping = label_map(("b", "a"), ("a", "b"), (None, None))
    assert mapping.probabilities(np.array([[0.9, 0.1]])) == pytest.approx(np.array([[0.1, 0.9]]))


def test_a_class_without_counterpart_is_left_out_on_both_sides() -> None:
    five = TASKS["sst5"].labels
    mapping = label_map(five, ("negative", "positive"), ("sentiment", "sentiment"))
    assert mapping.probabilities(np.array([[0.1, 0.1, 0.6, 0.1, 0.1]])) == pytest.approx(np.array([[0.5, 0.5]]))
    assert label_map(("negative", "positive"), five, ("sentiment",) * 2).labels(np.arange(5)).tolist() == [
        0,
        0,
        -1,
        1,
        1,
    ]


def test_an_undeclared_map_is_an_error_and_the_users_map_is_used() -> None:
    with pytest.raises(UsageError, match="declare it with --label_map"):
        label_map(("0", "1"), ("negative", "positive"), (None, "sentiment"))
    with pytest.raises(UsageError, match="declare it with --label_map"):
        label_map(("negative", "positive"), NLI, ("sentiment", "nli"))
    mapping = label_map(("1", "3", "5"), ("negative", "positive"), (None, None), {"1": "negative", "5": "positive"})
    assert mapping.source == (0, None, 1)
    with pytest.raises(UsageError, match="'9', which the model does not have: choose one of"):
        label_map(("1", "5"), ("negative", "positive"), (None, None), {"9": "negative"})
    with pytest.raises(UsageError, match="'good', which the task does not have: choose one of"):
        label_map(("1", "5"), ("negative", "positive"), (None, None), {"1": "good"})
