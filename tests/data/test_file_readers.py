"""Files in every format, with ordinary defects."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from conftest import reviews
from uegr.data.file_readers import read_rows
from uegr.data.task_data import TaskData
from uegr.data.user_data import load_files
from uegr.errors import UsageError


def finding_counts(data: TaskData) -> dict[str, int]:
    return {finding.kind: finding.count for finding in data.findings}


def test_bytes_that_are_not_utf8_and_nuls_are_repaired_and_counted(tmp_path: Path) -> None:
    lines = ["text,label", *[f"caf\xe9 {i},{i % 2}" for i in range(20)], "with\0nul,1", "plain,0"]
    (tmp_path / "a.csv").write_bytes("\n".join(lines).encode("latin-1"))
    data = load_files(tmp_path / "a.csv", tmp_path / "a.csv", tmp_path / "a.csv")
    assert (finding_counts(data)["encoding"], finding_counts(data)["nul"]) == (20, 1)
    assert data.train["text"][0] == "café 0"
    assert data.train["text"][20] == "withnul"
    assert finding_counts(data)["duplicates"] == 22


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_read(encoding: str, tmp_path: Path) -> None:
    text = "text,label\n" + "".join(f"Grüße {i},{i % 2}\n" for i in range(20))
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    data = load_files(tmp_path / "a.csv")
    assert "Grüße 3" in [*data.train["text"], *data.validation["text"], *data.test["text"]]
    assert not finding_counts(data)


def test_words_that_look_missing_are_words(tmp_path: Path) -> None:
    words = ["NA", "null", "None", "nan", "n/a"] * 4
    pd.DataFrame({"text": words, "label": [0, 1] * 10}).to_csv(tmp_path / "a.csv", index=False)
    assert {*load_files(tmp_path / "a.csv").train["text"]} == {*words}


def test_lone_quotes_in_a_tsv_are_characters(tmp_path: Path) -> None:
    lines = ["text\tlabel", '"a quote begins\t0', *[f"line {i}\t{i % 2}" for i in range(20)]]
    (tmp_path / "a.tsv").write_text("\n".join(lines))
    data = load_files(tmp_path / "a.tsv", tmp_path / "a.tsv", tmp_path / "a.tsv")
    assert len(data.train) == 21
    assert finding_counts(data)["quotes"] == 1
    (tmp_path / "a.csv").write_text("\n".join(line.replace("\t", ",") for line in lines))
    with pytest.raises(UsageError, match="opens a cell in line . of .*, and nothing closes it"):
        load_files(tmp_path / "a.csv")


def test_quoted_cells_may_hold_separators_and_lines(tmp_path: Path) -> None:
    text = 'He said: "no,\nnever".'
    pd.DataFrame({"text": [text] * 20, "label": [0, 1] * 10}).to_csv(tmp_path / "a.csv", index=False)
    assert load_files(tmp_path / "a.csv").train["text"][0] == text


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_own_files(ending: str, tmp_path: Path) -> None:
    path, frame = tmp_path / f"mine{ending}", reviews(50).rename(columns={"label": "stars"})
    {
        ".csv": lambda: frame.to_csv(path, index=False),
        ".tsv": lambda: frame.to_csv(path, index=False, sep="\t"),
        ".jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        ".parquet": lambda: frame.to_parquet(path),
    }[ending]()
    data = load_files(path, label_column="stars")
    assert (len(data.train), len(data.validation), len(data.test)) == (41, 4, 5)
    assert data.name == "mine"
    assert sorted([*data.train["text"], *data.validation["text"], *data.test["text"]]) == sorted(frame["text"])


@pytest.mark.parametrize("content", ["text", "text\n", "text\n\n\n", "text,label\n"])
def test_a_header_alone_is_a_file_without_rows(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(content)
    rows, _ = read_rows(tmp_path / "x.csv")
    assert rows.column_names == content.strip().split(",") and len(rows) == 0


def test_columns_of_one_name_are_told_apart_and_said(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,text,label,,\na,b,1,c,d\n")
    rows, findings = read_rows(tmp_path / "x.csv")
    assert rows.column_names == ["text", "text.1", "label", "Unnamed: 3", "Unnamed: 4"]
    assert [str(finding) for finding in findings] == ["1 columns of x.csv have the name of another: read as text.1"]


def test_frames_with_a_gap_in_a_text_column_are_seen(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", None] * 10, "label": [0, 1] * 10}).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(UsageError, match="10 rows have no text"):
        load_files(tmp_path / "x.csv")


def test_semicolons_are_named_where_a_text_has_a_comma(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text;label\n" + "good, and long;1\nbad;0\n" * 10)
    with pytest.raises(UsageError, match="separate its fields by commas and not by ';'"):
        load_files(tmp_path / "a.csv")


def test_a_column_of_objects_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": 1, "source": {"id": 1}}\n' * 3)
    _, findings = read_rows(tmp_path / "a.jsonl")
    assert [str(finding) for finding in findings] == [
        "1 column 'source' of a.jsonl holds values of the kind object: read as text"
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "mark"])
@pytest.mark.parametrize("before", ["", "\n\n", "sep=,\n", "sep=,\n\n"])
@pytest.mark.parametrize("header", ["text,label,note", '"the\ntext",label,note', 'text,"a\nlabel","and\n\nnote"'])
def test_no_row_is_lost_to_a_header_of_several_lines(
    header: str, before: str, mark: str, end: str, tmp_path: Path
) -> None:
    text = f"{mark}{before}{header}\na,0,x\nb,1,y\n".replace("\n", end)
    (tmp_path / "a.csv").write_bytes(text.encode())
    rows, _ = read_rows(tmp_path / "a.csv")
    assert rows.column_names == [name.strip('"').replace("\n", end) for name in header.split(",")]
    assert [list(row.values()) for row in rows] == [["a", "0", "x"], ["b", "1", "y"]]
