"""Lists of numbers as labels of a text: 0 or 1 for each label, or a set of the numbers of classes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from uegr.data.task_data import TaskData
from uegr.data.user_data import load_files
from uegr.errors import UsageError

MULTI_HOT = [[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]]


def task(labels: list[Any]) -> TaskData:
    rows = pd.DataFrame({"text": [f"text number {i}" for i in range(len(labels))], "label": labels})
    return load_files(rows, rows, rows, kind="multi_label")


@pytest.mark.parametrize("form", [list, str, lambda row: ",".join(map(str, row))], ids=["list", "python", "text"])
@pytest.mark.parametrize("fault", [[1, 0], [1, 0, 1, 0], [1], [], [0, 1, 2], [0, 0.5, 1]], ids=str)
def test_a_row_that_does_not_fit_the_multi_hot_lists_is_named(
    fault: list[Any], form: Callable[[list[Any]], Any]
) -> None:
    with pytest.raises(UsageError, match=r"row 20 holds .*, and the lists are read as 0 or 1 for each of 3 labels"):
        task([form(row) for row in [*MULTI_HOT * 5, fault]])


def test_shares_are_no_labels() -> None:
    with pytest.raises(UsageError, match=r"row 0 holds 0.5, and the lists are read as 0 or 1 for each of 2 labels"):
        task([[0.5, 1.0], [0.25, 0.0]])


@pytest.mark.parametrize(
    "sets",
    [
        [[0, 3], [2], [0, 1]],
        [[0, 1], [1], [0], []],
        [*[[0, 1]] * 23, [2, 0]],
        [[3, 3, 0], [1, 3], [1, 1]],
        ["0,1", "1"],
    ],
    ids=["classes", "two classes", "one pair", "repeated", "text"],
)
def test_sets_of_numbers_are_read_as_sets(sets: list[Any]) -> None:
    data = task(sets)
    read = [{name for name, on in zip(data.label_names, row, strict=True) if on} for row in data.train["label"]]
    assert read == [{*(row.split(",") if isinstance(row, str) else map(str, row))} for row in sets]


def test_an_empty_cell_is_refused_with_the_ways_to_write_no_labels(tmp_path: Path) -> None:
    csv, columns, lines = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.jsonl"
    csv.write_text("text,labels\n" + "a film,a|b\na plot,\n" * 10)
    columns.write_text("text,a,b\n" + "a film,1,1\na plot,0,0\n" * 10)
    lines.write_text('{"text": "a film", "labels": ["a", "b"]}\n{"text": "a plot", "labels": []}\n' * 10)
    fixes = "give a column of 0 and 1 per label, or .. in a JSON-lines file"
    with pytest.raises(UsageError, match=f"10 rows have no label .*: remove them or label them; .*{fixes}"):
        load_files(csv, kind="multi_label", label_column="labels", label_separator="|")
    data = [load_files(columns, columns, columns, kind="multi_label", label_column="a,b")]
    data.append(load_files(lines, lines, lines, kind="multi_label", label_column="labels"))
    for read in data:
        assert read.label_names == ("a", "b") and read.train["label"][:2] == [[1.0, 1.0], [0.0, 0.0]]
