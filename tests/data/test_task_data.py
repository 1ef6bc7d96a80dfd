"""Labels become classes, and subsets follow the seed."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import ClassLabel, Dataset

from uegr.data.named_tasks import load_task
from uegr.data.task_data import make_task
from uegr.errors import UsageError


def test_training_subset_follows_the_seed_and_the_test_subset_does_not() -> None:
    data = load_task("rotten_tomatoes")
    a, b = (data.limited(train=50, test=50, seed=seed) for seed in (0, 1))
    assert a.train["sentence"][:] != b.train["sentence"][:]
    assert a.test["sentence"][:] == b.test["sentence"][:]
    assert data.limited(train=50, seed=0).train["sentence"][:] == a.train["sentence"][:]


def rows(labels: list[object]) -> Dataset:
    return Dataset.from_dict({"text": [f"text {i}" for i in range(len(labels))], "label": labels})


def test_labels_become_classes_with_names() -> None:
    stars = make_task("x", {"train": rows([1, 3, 5] * 10)}, text_columns=["text"], label_column="label")
    assert stars.label_names == ("1", "3", "5")
    assert set(stars.train["label"]) == {0, 1, 2}
    words = make_task("x", {"train": rows(["ham", "spam"] * 10)}, text_columns=["text"], label_column="label")
    assert words.label_names == ("ham", "spam")
    floats = make_task("x", {"train": rows([0.0, 1.0] * 10)}, text_columns=["text"], label_column="label")
    assert floats.label_names == ("0", "1")
    named = rows([0, 1] * 10).cast_column("label", ClassLabel(names=["no", "yes"]))
    assert make_task("x", {"train": named}, text_columns=["text"], label_column="label").label_names == ("no", "yes")


@pytest.mark.parametrize(
    ("targets", "held"), [([["a", "b"], ["c"]], "lists"), ([{"a": "b"}] * 2, "objects"), ([b"a", b"b"], "bytes")]
)
def test_texts_to_be_generated_are_texts(targets: list[Any], held: str) -> None:
    with pytest.raises(UsageError, match=f"column 'label' holds {held} and not texts"):
        make_task("x", {"train": rows(targets)}, text_columns=["text"], label_column="label", kind="seq2seq")
