"""Files whose form is a little wrong: each is read as its writer meant it, or refused with row and fix."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from uegr.data.file_readers import read_rows
from uegr.data.task_data import TaskData
from uegr.data.user_data import load_files
from uegr.errors import UsageError


def csv_file(folder: Path, *lines: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def json_file(folder: Path, *rows: Any) -> Path:
    path = folder / "a.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def rows_of(data: TaskData) -> dict[str, str]:
    rows = [row for split in (data.train, data.validation, data.test) for row in split]
    return {row["text"]: data.label_names[row["label"]] for row in rows}


def messages(data: TaskData) -> str:
    return "; ".join(str(finding) for finding in data.findings)


PLAIN = [f"text {i},{'ab'[i % 2]}" for i in range(20)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("The plot is lively, warm and funny,b", r"row 20 .* has 3 fields and the header has 2 \(text, label\): put"),
        ("one, two, three, four,b", r"line 22 .* has 5 fields and the header has 2 \(text, label\): put double quotes"),
    ],
)
def test_a_row_with_too_many_fields_is_refused(bad: str, message: str, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "text,label", *PLAIN, bad)
    for _ in range(2):  # nothing half read stays in the cache
        with pytest.raises(UsageError, match=message):
            load_files(path)


def test_every_row_with_too_many_fields_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="row 0 .* has 3 fields and the header has 2"):
        load_files(csv_file(tmp_path, "text,label", *[f"good, but long {i},{i % 2}" for i in range(20)]))


def test_a_comma_at_the_end_of_every_row_is_no_field(tmp_path: Path) -> None:
    data = load_files(csv_file(tmp_path, "text,label", *[f"{row}," for row in PLAIN]))
    assert rows_of(data)["text 3"] == "b"
    data = load_files(csv_file(tmp_path, "text,label,", *[f"{row}," for row in PLAIN]))
    assert rows_of(data)["text 3"] == "b"


def test_a_tab_too_many_is_refused_as_well(tmp_path: Path) -> None:
    rows = [row.replace(",", "\t") for row in PLAIN]
    with pytest.raises(UsageError, match="double quotes around every text that contains a tab"):
        load_files(csv_file(tmp_path, "text\tlabel", *rows, "a\tb\tc", name="a.tsv"))


def test_fewer_fields_than_the_header_are_missing_labels(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 rows have no label in column 'label' .the first is row 20"):
        load_files(csv_file(tmp_path, "text,label", *PLAIN, "no label here"))


def test_a_file_separated_by_something_else_says_so(tmp_path: Path) -> None:
    rows = [row.replace(",", ";") for row in PLAIN]
    with pytest.raises(UsageError, match="separate its fields by commas and not by ';'"):
        load_files(csv_file(tmp_path, "text;label", *rows))


def test_repeated_columns_that_nobody_asked_for_do_not_matter(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "text,note,note,,label", *[f"text {i},x,y,z,{'ab'[i % 2]}" for i in range(20)])
    assert rows_of(load_files(path))["text 3"] == "b"


def test_blank_lines_and_a_quoted_header_are_read(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "", '"text","the\nlabel"', "", *PLAIN)
    assert rows_of(load_files(path, label_column="the\nlabel"))["text 3"] == "b"


def test_labels_1_and_text_1_are_one_label(tmp_path: Path) -> None:
    rows = [{"text": f"t {i}", "label": [1, "1", 0, "0"][i % 4]} for i in range(24)]
    data = load_files(json_file(tmp_path, *rows))
    assert data.label_names == ("0", "1")
    assert "column 'label' of a.jsonl mixes text and whole number: read as text" in messages(data)


@pytest.mark.parametrize(
    "extra",
    [
        [1, "x"],
        [1, 2.5],
        [True, 3],
        [{"a": 1}, "x"],
        [[1], "x"],
        [[1], ["x"]],
        [[1, "x"], []],
        [None, {"b": None}],
        [2**70, 1],
        [float("nan"), 3],
        [[[1]], 1],
    ],
)
def test_a_column_that_nobody_asked_for_may_hold_anything(extra: list[Any], tmp_path: Path) -> None:
    rows = [{"text": f"t {i}", "label": "ab"[i % 2], "extra": extra[i % 2]} for i in range(24)]
    assert rows_of(load_files(json_file(tmp_path, *rows)))["t 3"] == "b"


def test_a_key_that_comes_late_is_a_column(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": f"t {i}", "label": "ab"[i % 2]} for i in range(24)]
    rows[20]["note"] = {"who": "me"}
    assert len(rows_of(load_files(json_file(tmp_path, *rows)))) == 24


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("null", "line 4 of .* holds null, and not an object"),
        ("5", "line 4 of .* holds 5, and not an object"),
        ('["text", "label"]', "line 4 of .* and not an object"),
        ('"text"', "line 4 of .* and not an object"),
        ('{"text": "x", "label": ', "line 4 of .* is not valid JSON"),
        ("[" * 100_000, "line 4 of .* is not valid JSON"),
    ],
)
def test_a_line_that_is_no_object_is_named(line: str, message: str, tmp_path: Path) -> None:
    rows = [{"text": f"t {i}", "label": "ab"[i % 2]} for i in range(3)]
    with pytest.raises(UsageError, match=message):
        load_files(json_file(tmp_path, *rows, line))


def test_escaped_nuls_and_halves_of_pairs_are_repaired(tmp_path: Path) -> None:
    rows = [{"text": f"t {i}", "label": "ab"[i % 2]} for i in range(22)]
    path = json_file(
        tmp_path,
        *rows,
        '{"text": "nul\\u0000 x", "label": "a"}',
        '{"text": "half \\ud83d end \\ud83d\\ude00", "label": "a"}',
    )
    data = load_files(path)
    assert {"nul x", "half \ufffd end 😀"} <= {*rows_of(data)}
    assert "1 texts in a.jsonl hold NUL" in messages(data) and "1 texts in a.jsonl hold halves" in messages(data)


def test_a_lone_surrogate_in_a_frame_is_repaired() -> None:
    texts = pd.Series(["half \ud83d", *[f"t {i}" for i in range(23)]], dtype=object)
    frame = pd.DataFrame({"text": texts, "label": ["a", "b"] * 12})
    data = load_files(frame)
    assert "half \ufffd" in rows_of(data) and "1 texts in column 'text' hold halves" in messages(data)


def test_a_frame_with_duplicate_columns_is_refused() -> None:
    frame = pd.DataFrame([["a", "b", 0]] * 20, columns=["text", "text", "label"])
    with pytest.raises(UsageError, match="the frame has several columns 'text': rename all but one"):
        load_files(frame)


def test_a_frame_whose_columns_mix_types_is_refused_in_one_sentence() -> None:
    frame = pd.DataFrame({"text": [f"t {i}" for i in range(20)], "label": [1, "x"] * 10})
    with pytest.raises(UsageError, match="the frame cannot be read: .* one type"):
        load_files(frame)


def test_numbered_columns_of_a_frame_are_found_by_their_number() -> None:
    frame = pd.DataFrame({0: [f"t {i}" for i in range(24)], 1: ["a", "b"] * 12})
    assert load_files(frame, text_column="0", label_column="1").label_names == ("a", "b")


@pytest.mark.parametrize("value", [["a", "b"], {"a": "b"}, b"bytes"])
def test_a_text_column_of_something_else_is_refused(value: Any) -> None:
    frame = pd.DataFrame({"text": [value] * 20, "label": [0, 1] * 10})
    with pytest.raises(UsageError, match=r"column 'text' holds (lists|objects|bytes) and not texts: join the words"):
        load_files(frame)


@pytest.mark.parametrize("rows", [1, 2])
def test_too_few_rows_to_split_say_which_files_to_give(rows: int) -> None:
    frame = pd.DataFrame({"text": ["a", "b"][:rows], "label": ["x", "y"][:rows]})
    with pytest.raises(UsageError, match="give --test_file and --validation_file|add rows of another class"):
        load_files(frame)
    if rows == 2:
        assert len(load_files(frame, frame, frame).train) == 2


def test_a_text_column_named_label_is_read() -> None:
    frame = pd.DataFrame({"label": [f"t {i}" for i in range(24)], "mood": ["a", "b"] * 12})
    data = load_files(frame, text_column="label", label_column="mood")
    assert data.text_columns == ("text",) and rows_of(data)["t 3"] == "b"
    with pytest.raises(UsageError, match="cannot be text and label"):
        load_files(frame, text_column="label")


def test_small_differences_of_form_do_not_matter(tmp_path: Path) -> None:
    spaced = csv_file(tmp_path, "sep=,", " text , label ", *PLAIN, name="a.CSV")
    assert rows_of(load_files(spaced))["text 3"] == "b"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"", "is empty: give a file with one object per line"),
        ("a.jsonl", b"\n\n", "is empty: give a file with one object per line"),
        ("a.csv", b"", "is empty: give a file with a header"),
        ("a.csv", b"\x1f\x8b\x08\x00 compressed", "is compressed: unpack it first"),
        ("a.parquet", b"PK\x03\x04", "is compressed: unpack it first"),
        ("a.parquet", b"PAR1 cut", r"cannot read .* as parquet \(.*\): correct the file"),
        ("a.txt", b"text", "its ending must be one of"),
        ("a.csv.gz", b"\x1f\x8b", r"cannot read '.*a\.csv\.gz': unpack it first"),
        ("a.xlsx", b"PK", "save the sheet as .csv"),
        ("a.arrow", b"", "write it as Parquet"),
        ("a.json", b"[]", "is empty"),
        ("a.json", b'[{"text": "x"}, 5]', "item 2 of .* holds 5, and not an object"),
        ("a.json", b'[{"text": "x"},]', r"is not valid JSON \(.*line 1 column 16.*\): correct it"),
        ("a.json", b'{\n  "text": "x",\n  "label": 0\n}', "an object must be on one line, or in a list in a"),
        ("a.jsonl", b'[{"text": "x", "label": 0}]', "line 1 of .* and not an object"),
    ],
)
def test_a_file_without_rows_or_of_another_format_is_refused(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        load_files(tmp_path / name)


@pytest.mark.parametrize("header", ["PK,text,label", "BZ,text,label"])
def test_a_header_that_begins_like_an_archive_is_a_header(header: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(header + "\n" + "".join(f"{i},text {i},{i % 2}\n" for i in range(24)))
    assert len(load_files(tmp_path / "a.csv").label_names) == 2


@pytest.mark.parametrize(
    "text", ["{}\n{}\n", "[{},\n {}]", "\ufeff\n [\n{}, {}]\n"], ids=["lines", "list", "spaced list"]
)
def test_a_json_file_holds_lines_or_a_list(text: str, tmp_path: Path) -> None:
    rows = ['{"text": "good", "label": 1}', '{"label": 0, "text": "bad \\ud83d\\ude00"}']
    (tmp_path / "a.json").write_text(text.replace("{}", rows[0], 1).replace("{}", rows[1], 1), encoding="utf-8")
    read, findings = read_rows(tmp_path / "a.json")
    assert read.to_list() == [{"text": "good", "label": 1}, {"text": "bad 😀", "label": 0}]
    assert not findings


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder: give a file"):
        load_files(tmp_path)


@pytest.mark.parametrize("column", ["text", "label"])
@pytest.mark.parametrize("value", [{"en": "a film"}, [{"en": "a film"}]])
def test_objects_in_json_are_not_read_as_the_text_of_their_json(column: str, value: Any, tmp_path: Path) -> None:
    rows = [{"text": f"film {number}", "label": "ab"[number % 2], "other": value} for number in range(20)]
    load_files(json_file(tmp_path, *rows))
    with pytest.raises(UsageError, match=f"column '{column}' of 'a.jsonl' holds objects and not texts: name another"):
        load_files(json_file(tmp_path, *({**row, column: value} for row in rows)))


def test_a_parquet_file_with_another_ending_is_named(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a"], "label": [0]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.parquet").rename(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="is a Parquet file: give it the ending .parquet"):
        read_rows(tmp_path / "a.csv")
