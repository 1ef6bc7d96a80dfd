"""Labels of every kind, in every form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from conftest import reviews, tokenizer
from uegr.data.encoding import encode
from uegr.data.task_data import make_task
from uegr.data.user_data import load_files
from uegr.errors import UsageError


def test_labels_that_are_not_in_the_training_data_are_counted() -> None:
    train = pd.DataFrame({"text": ["a b"] * 20, "label": ["x", "y"] * 10})
    test = pd.DataFrame({"text": ["c d"] * 4, "label": ["x", "z", "z", "w"]})
    with pytest.raises(UsageError, match=r"3 labels are not among.*\(x, y\): 'z' 2 times, 'w' 1 times, first in row 1"):
        load_files(train, None, test)


def test_regression_takes_numbers_and_nothing_else(tmp_path: Path) -> None:
    frame = reviews(40).assign(label=np.linspace(0, 5, 40))
    frame.to_csv(tmp_path / "a.csv", index=False)
    data = load_files(tmp_path / "a.csv", kind="regression")
    assert data.metrics == ("pearson", "spearman")
    values = [*data.train["label"], *data.validation["label"], *data.test["label"]]
    assert sorted(values) == pytest.approx(np.linspace(0, 5, 40).tolist())
    with pytest.raises(UsageError, match=r"must hold numbers for regression \(.*\): correct it"):
        load_files(frame.assign(label="high"), kind="regression")
    with pytest.raises(UsageError, match="1 labels are not finite numbers .*: correct or remove"):
        load_files(frame.assign(label=[float("inf")] + [0.0] * 39), kind="regression")
    with pytest.raises(UsageError, match="--kind regression"):
        load_files(frame)


SETS = [["toxic"], [], ["toxic", "insult"], ["insult"]] * 10


@pytest.mark.parametrize("form", ["lists", "text", "columns"])
def test_multi_label_in_its_three_forms(form: str, tmp_path: Path) -> None:
    frame = reviews(40)
    options: dict[str, Any] = {"kind": "multi_label", "label_column": "labels"}
    if form == "lists":
        lines = [json.dumps({"text": t, "labels": s}) for t, s in zip(frame["text"], SETS, strict=True)]
        (tmp_path / "a.jsonl").write_text("\n".join(lines))
        data = load_files(tmp_path / "a.jsonl", **options)
    elif form == "text":
        data = load_files(frame.assign(labels=["|".join(labels) for labels in SETS]), label_separator="|", **options)
    else:
        columns = {name: [int(name in labels) for labels in SETS] for name in ("insult", "toxic")}
        data = load_files(frame.assign(**columns), **{**options, "label_column": "insult,toxic"})
    assert data.label_names == ("insult", "toxic")
    rows = [*data.train["label"], *data.validation["label"], *data.test["label"]]
    assert np.sum(rows, axis=0).tolist() == [20.0, 20.0]
    encoded = encode(data.train, tokenizer(), ("text",), 16)
    assert encoded[0]["labels"] in ([0, 0], [0, 1], [1, 0], [1, 1])


def test_multi_hot_labels_may_be_written_as_floats() -> None:
    labels = ["1.0,0.0,1.0", "0.0,1.0,0.0"] * 20
    data = load_files(reviews(40).assign(label=labels), kind="multi_label")
    assert {tuple(row) for row in data.train["label"]} == {(1.0, 0.0, 1.0), (0.0, 1.0, 0.0)}


def test_numbers_may_have_spaces_around_them() -> None:
    data = load_files(reviews(40).assign(label=[f" {i}.5" for i in range(40)]), kind="regression")
    assert min(*data.train["label"], *data.validation["label"], *data.test["label"]) == 0.5


def test_lists_are_no_classes() -> None:
    with pytest.raises(UsageError, match="holds lists or objects.*--kind multi_label"):
        load_files(reviews(40).assign(label=[[0], [1]] * 20))


def test_an_object_is_no_set_of_labels() -> None:
    with pytest.raises(UsageError, match="the labels of row 0 are {'a': 1}: give a list"):
        load_files(reviews(40).assign(label=[{"a": 1}] * 40), kind="multi_label")


def test_an_empty_separator_of_labels_is_refused() -> None:
    frame = pd.DataFrame({"text": [f"film {number}" for number in range(20)], "label": ["a,b", "b"] * 10})
    with pytest.raises(UsageError, match="label_separator is empty: give the symbol between two labels"):
        load_files(frame, kind="multi_label", label_separator="")


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (("1", "2", "3"), [1, 3], [0, 2]),
        (("1", "2", "3"), [0, 2], [0, 2]),
        (("1", "0"), [1, 0], [0, 1]),
        (("1.0", "0.0"), [1.0, 0.0], [0, 1]),
        (("True", "False"), [True, False], [0, 1]),
        (("bad", "good"), [True, False], [1, 0]),
        (("bad", "good"), [1, 0], [1, 0]),
        (("bad", "good"), ["good", "bad"], [1, 0]),
    ],
)
def test_labels_are_names_of_the_given_classes_or_else_their_positions(
    names: tuple[str, ...], labels: list[Any], expected: list[int]
) -> None:
    rows = Dataset.from_dict({"text": ["a film", "a plot"], "label": labels})
    data = make_task("x", {"test": rows}, text_columns=["text"], label_column="label", label_names=names)
    assert data.test["label"][:] == expected


def test_one_label_that_is_no_class_does_not_shift_the_others() -> None:
    names, labels = tuple("12345"), [0, 1, 2, 3, 5]
    rows = Dataset.from_dict({"text": ["a film"] * 5, "label": labels})
    with pytest.raises(UsageError, match="0"):
        make_task("x", {"test": rows}, text_columns=["text"], label_column="label", label_names=names)


def test_a_class_label_is_read_by_its_own_names() -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["1", "0"])})
    rows = Dataset.from_dict({"text": ["a film", "a plot"], "label": [0, 1]}, features)
    data = make_task("x", {"test": rows}, text_columns=["text"], label_column="label", label_names=["0", "1"])
    assert data.test["label"][:] == [1, 0]
