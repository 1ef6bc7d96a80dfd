"""Labels that came out wrong without a word: codes, spaces, lists in cells, orders of classes, the positive class."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from datasets import List as ListOf

from uegr.data.task_data import TaskData
from uegr.data.user_data import load_files
from uegr.errors import UsageError

ROWS = 24


def frame(labels: list[Any], column: str = "label") -> pd.DataFrame:
    values = [labels[i % len(labels)] for i in range(ROWS)]
    return pd.DataFrame({"text": [f"text number {i}" for i in range(ROWS)], column: values})


def messages(data: TaskData) -> str:
    return "; ".join(str(finding) for finding in data.findings)


def sets_of(data: TaskData) -> dict[str, tuple[str, ...]]:
    """Text -> its labels."""
    rows = [row for split in (data.train, data.validation, data.test) for row in split]
    return {
        row["text"]: tuple(name for name, on in zip(data.label_names, row["label"], strict=True) if on) for row in rows
    }


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["007", "7"], ("007", "7")),
        (["1_1", "11"], ("11", "1_1")),
        (["1e2", "100"], ("100", "1e2")),
        (["1.1", "1.2"], ("1.1", "1.2")),
        (["10", "9", "2"], ("2", "9", "10")),
        (["0x10", "16"], ("0x10", "16")),
        (["+1", "1", "-1"], ("-1", "+1", "1")),
        (["NaN", "inf"], ("NaN", "inf")),
        (["٣", "3"], ("3", "٣")),
        (["True", "1"], ("1", "True")),
        (["9007199254740993", "9007199254740992"], ("9007199254740992", "9007199254740993")),
        (
            ["12345678901234567890123", "12345678901234567890124"],
            ("12345678901234567890123", "12345678901234567890124"),
        ),
    ],
)
def test_a_label_in_a_csv_file_is_text(labels: list[str], classes: tuple[str, ...], tmp_path: Path) -> None:
    frame(labels).to_csv(tmp_path / "a.csv", index=False)
    data = load_files(tmp_path / "a.csv")
    assert data.label_names == classes
    assert {*data.class_counts} == {*classes} and min(data.class_counts.values()) > 0


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([2**53 + 1, 2**53], (str(2**53), str(2**53 + 1))),
        ([0.0, 1.0], ("0", "1")),
        ([1.5, 2.5], ("1.5", "2.5")),
        ([True, False], ("False", "True")),
        ([10, 9], ("9", "10")),
    ],
)
def test_a_number_is_a_label_exactly(labels: list[Any], classes: tuple[str, ...]) -> None:
    assert load_files(frame(labels)).label_names == classes


def test_spaces_around_labels_are_removed_and_reported() -> None:
    data = load_files(frame(["neg", "neg ", "pos"]))
    assert data.label_names == ("neg", "pos")
    assert "1 labels in column 'label' have spaces: removed" in messages(data)


@pytest.mark.parametrize("label", ["", "  ", "\u00a0"])
def test_an_empty_label_is_no_class(label: str, tmp_path: Path) -> None:
    rows = frame(["a", label, "b"])
    rows.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for source in (rows, Dataset.from_pandas(rows), tmp_path / "a.jsonl"):
        with pytest.raises(
            UsageError, match="8 rows have no label in column 'label' .the first is row 1.: remove them"
        ):
            load_files(source)


@pytest.mark.parametrize("number", [Value("float64"), Value("float32"), Value("float16")])
def test_nan_is_no_class(number: Value) -> None:
    features = Features({"text": Value("string"), "label": number})
    rows = Dataset.from_dict({"text": ["a", "b", "c"] * 8, "label": [1.0, 0.0, np.nan] * 8}, features)
    with pytest.raises(UsageError, match="8 rows have no label in column 'label' .the first is row 2.: remove them"):
        load_files(rows)
    with pytest.raises(UsageError, match="8 labels are not finite numbers .the first is in row 2."):
        load_files(rows, kind="regression")


def test_an_empty_text_is_a_set_of_no_labels() -> None:
    data = load_files(frame(["joy,anger", "", "joy"]), kind="multi_label")
    assert data.label_names == ("anger", "joy") and sets_of(data)["text number 1"] == ()


def test_fractions_are_classes_and_reported() -> None:
    data = load_files(frame([0.0, 1.0, 1.5]))
    assert data.label_names == ("0", "1", "1.5")
    assert "1 labels in column 'label' are fractions and taken for classes: for numbers, --kind reg" in messages(data)


@pytest.mark.parametrize(
    "twins", [("Neg", "neg"), ("\uff2eeg", "\uff4eeg"), ("1", "1.0")], ids=["case", "full width", "float"]
)
def test_classes_that_look_alike_are_reported(twins: tuple[str, str]) -> None:
    data = load_files(frame([*twins, "pos"]))
    assert set(data.label_names) == {*twins, "pos"}
    assert f"classes look like one: {twins[0]!r} and {twins[1]!r} are kept apart" in messages(data)


def test_one_class_is_refused_with_both_ways_out() -> None:
    with pytest.raises(UsageError, match=r"24 training labels is 'pos': add rows of another class, .*--label_column"):
        load_files(frame(["pos"]))


def test_too_many_classes_are_refused_with_both_ways_out() -> None:
    with pytest.raises(UsageError, match=r"24 different values in 24 rows.*--label_column.*--kind regression"):
        load_files(frame([f"{i}.5" for i in range(ROWS)]))


MULTI_HOT = [[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]]


@pytest.mark.parametrize("form", ["list", "floats", "flags", "python", "numpy", "numpy flags", "tuple"])
def test_a_multi_hot_list_names_positions(form: str, tmp_path: Path) -> None:
    values: list[Any] = {
        "list": MULTI_HOT,
        "floats": [[float(on) for on in row] for row in MULTI_HOT],
        "flags": [[bool(on) for on in row] for row in MULTI_HOT],
        "numpy flags": [str(np.array(row, dtype=bool)) for row in MULTI_HOT],
        "python": [str(row) for row in MULTI_HOT],
        "numpy": [str(row).replace(",", "") for row in MULTI_HOT],
        "tuple": [str(tuple(row)) for row in MULTI_HOT],
    }[form]
    rows, in_memory = frame(values), ("list", "floats", "flags")
    if form not in in_memory:
        rows.to_csv(tmp_path / "a.csv", index=False)
    data = load_files(tmp_path / "a.csv" if form not in in_memory else rows, kind="multi_label")
    assert data.label_names == ("0", "1", "2")
    assert sets_of(data)["text number 0"] == ("0", "2") and sets_of(data)["text number 1"] == ()


@pytest.mark.parametrize("cell", ["['joy', 'anger']", '["joy", "anger"]', "('joy', 'anger')", "{'anger', 'joy'}"])
def test_a_list_that_was_printed_into_a_cell_is_a_list(cell: str, tmp_path: Path) -> None:
    frame([cell, "['joy']", "[]"]).to_csv(tmp_path / "a.csv", index=False)
    data = load_files(tmp_path / "a.csv", kind="multi_label")
    assert data.label_names == ("anger", "joy")
    assert sets_of(data)["text number 0"] == ("anger", "joy") and sets_of(data)["text number 2"] == ()


def test_a_broken_list_in_a_cell_is_named() -> None:
    with pytest.raises(UsageError, match=r"row 1 holds \"\['joy'; 'anger']\", which is not a list of labels"):
        load_files(frame(["['joy']", "['joy'; 'anger']"]), kind="multi_label")


@pytest.mark.parametrize("value", [-1, 0.83, "x", 2, "maybe"])
def test_a_column_of_one_label_holds_zero_and_one_only(value: Any) -> None:
    rows = frame(["0", "1"], "joy").assign(anger=["1", "0"] * (ROWS // 2)).astype({"joy": object})
    rows.loc[3, "joy"] = str(value)
    with pytest.raises(UsageError, match=r"column 'joy' holds .* in row 3: a column of one label must hold 0 or 1"):
        load_files(rows, kind="multi_label", label_column="joy,anger")


@pytest.mark.parametrize("pair", [("0", "1"), ("0.0", "1.0"), ("False", "True"), ("no", "YES")])
def test_the_ways_to_write_zero_and_one(pair: tuple[str, str]) -> None:
    rows = frame(list(pair), "joy").assign(anger=list(reversed(pair)) * (ROWS // 2))
    data = load_files(rows, kind="multi_label", label_column="joy,anger")
    assert sets_of(data)["text number 0"] == ("anger",) and sets_of(data)["text number 1"] == ("joy",)


def test_a_sequence_of_class_labels_keeps_its_names() -> None:
    features = Features({"text": Value("string"), "label": ListOf(ClassLabel(names=["joy", "anger", "fear"]))})
    rows = Dataset.from_dict({"text": [f"t {i}" for i in range(ROWS)], "label": [[0, 2], [1], []] * 8}, features)
    data = load_files(rows, kind="multi_label")
    assert data.label_names == ("joy", "anger", "fear")
    assert sets_of(data)["t 0"] == ("joy", "fear")


def class_rows(names: list[str], labels: list[int]) -> Dataset:
    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    return Dataset.from_dict({"text": [f"{names[y]} {i}" for i, y in enumerate(labels)], "label": labels}, features)


def test_orders_of_classes_that_differ_between_splits_are_matched_by_name() -> None:
    train, test = class_rows(["neg", "pos"], [0, 1] * 8), class_rows(["pos", "neg"], [0, 1] * 4)
    data = load_files(train, None, test)
    assert data.label_names == ("neg", "pos")
    assert all(row["text"].startswith(data.label_names[row["label"]]) for row in data.test)


def test_a_class_label_without_a_gold_label_is_not_a_class() -> None:
    test = Dataset.from_dict({"text": ["a", "b"], "label": [0, -1]}, class_rows(["neg", "pos"], [0]).features)
    with pytest.raises(UsageError, match="'-1' 1 times"):
        load_files(class_rows(["neg", "pos"], [0, 1] * 8), None, test)


def test_the_positive_label_is_the_second_class_unless_it_is_chosen() -> None:
    rows = frame(["ham", "spam", "ham"])
    assert load_files(rows, metrics=["f1"]).label_names == ("ham", "spam")
    assert load_files(rows, metrics=["f1"], positive_label="ham").label_names == ("spam", "ham")
    with pytest.raises(UsageError, match=r"unknown positive label 'Spam' \(did you mean 'spam'\?\)"):
        load_files(rows, positive_label="Spam")
    with pytest.raises(UsageError, match="f1 is for two classes, and own has 3: choose macro_f1"):
        load_files(frame(["a", "b", "c"]), metrics=["f1"])
    with pytest.raises(UsageError, match="map ranks by the probability of class 1 of two classes, and own has 3"):
        load_files(frame(["a", "b", "c"]), metrics=["map"])
    with pytest.raises(UsageError, match="a positive label is for two classes, and there are 3"):
        load_files(frame(["a", "b", "c"]), positive_label="a")


@pytest.mark.parametrize("columns", [{"text_pair_column": "text"}, {"label_column": "text"}])
def test_a_column_that_is_named_twice_is_refused(columns: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="column 'text' is named twice: name another with --text_column"):
        load_files(frame(["a", "b"]), **columns)  # type: ignore[arg-type]
