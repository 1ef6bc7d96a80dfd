"""Parquet files that `Dataset.to_parquet` wrote keep the names of their classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from datasets import List as ListOf

from uegr.data.file_readers import read_rows
from uegr.data.named_tasks import load_task
from uegr.data.user_data import load_files
from uegr.errors import UsageError

TAGS = ClassLabel(names=["O", "B-PER", "I-PER", "B-LOC"])
MOOD = ClassLabel(names=["positive", "negative"])


def parquet(path: Path, columns: dict[str, list[Any]], **features: Any) -> Path:
    Dataset.from_dict(columns, Features(features)).to_parquet(path)
    return path


def test_classes_keep_their_names_and_order(tmp_path: Path) -> None:
    columns = {"text": [f"film {number}" for number in range(40)], "label": [0, 1] * 20}
    path = parquet(tmp_path / "a.parquet", columns, text=Value("large_string"), label=MOOD)
    data = load_files(path, path, path)
    assert data.label_names == ("positive", "negative")
    assert data.test["label"][:4] == [0, 1, 0, 1] and data.test["text"][0] == "film 0"


@pytest.mark.parametrize(
    ("kind", "labels"), [("token", [[1, 2, 0, 3], [0, -100, 0, 0]]), ("multi_label", [[1, 3], []])]
)
def test_lists_of_classes_keep_their_names(kind: Any, labels: list[list[int]], tmp_path: Path) -> None:
    words = ["Ann", "Lee", "saw", "Rome"]
    columns = {"text": [words] * 40 if kind == "token" else ["a film"] * 40, "label": labels * 20}
    texts = ListOf(Value("string")) if kind == "token" else Value("string")
    path = parquet(tmp_path / "a.parquet", columns, text=texts, label=ListOf(TAGS))
    assert load_files(path, kind=kind).label_names == tuple(TAGS.names)


def with_metadata(label: Any) -> bytes:
    return json.dumps({"info": {"features": {"label": label}}}).encode()


@pytest.mark.parametrize(
    "metadata",
    [
        b"no json",
        b"\xff",
        b"[]",
        b'{"info": {}}',
        with_metadata({"_type": "Unknown"}),
        with_metadata({"names": ["a", "a"], "_type": "ClassLabel"}),
        with_metadata({"names": ["a", "b"], "_type": "ClassLabel"}),
        with_metadata({"dtype": "string", "_type": "Value"}),
    ],
)
@pytest.mark.parametrize("label", [[0, 1, 2], ["x", "y", "z"], [[0], [2], []]], ids=["numbers", "texts", "lists"])
def test_names_that_do_not_fit_are_left_out(label: list[Any], metadata: bytes, tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "b", "c"], "label": label}).replace_schema_metadata({b"huggingface": metadata})
    pq.write_table(table, tmp_path / "a.parquet")
    rows, _ = read_rows(tmp_path / "a.parquet")
    assert rows["label"][:] == label and rows.features["label"] == Dataset.from_dict({"l": label}).features["l"]


def test_a_file_without_rows_has_names(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"text": [], "label": []}, text=Value("string"), label=MOOD)
    assert read_rows(path)[0].features["label"] == MOOD


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["negative", "positive"], [0, 1]), (["positive", "negative"], [1, 0]), (["0", "1"], [0, 1])],
)
def test_a_named_task_has_the_classes_of_the_registry(
    names: list[str], expected: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sst2").mkdir()
    monkeypatch.setenv("UEGR_DATA", str(tmp_path))
    columns = {"sentence": [f"film {number}" for number in range(40)], "label": [0, 1] * 20}
    for split in ("train", "validation", "test"):
        features = {"sentence": Value("string"), "label": ClassLabel(names=names)}
        parquet(tmp_path / "sst2" / f"{split}.parquet", columns, **features)
    data = load_task("sst2")
    assert data.label_names == ("negative", "positive") and data.test["label"][:2] == expected


def test_two_columns_of_a_name_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 2, names=["text", "text"]), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="has several columns 'text': rename all but one of them"):
        read_rows(tmp_path / "a.parquet")
