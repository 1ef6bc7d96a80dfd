"""Quotes in a cell that are written with a backslash and not doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from uegr.data import escaped_quotes
from uegr.data.file_readers import read_rows


def written(folder: Path, ending: str, cells: list[str]) -> Path:
    separator = "," if ending == "csv" else "\t"
    file = folder / f"a.{ending}"
    file.write_text(f"text{separator}label\n" + "".join(f"{cell}{separator}ham\n" for cell in cells))
    return file


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        ([r'"he said \"hi\" to me"', "plain"], ['he said "hi" to me', "plain"]),
        ([r'"\"hi, you\""', r'"C:\dir\\"', r'"a\nb \"c\""'], ['"hi, you"', "C:\\dir\\", 'a\\nb "c"']),
        (['"two\nlines, \\"here\\""'], ['two\nlines, "here"']),
        ([r'"an \" alone"'], ['an " alone']),
    ],
    ids=["inside", "at the ends", "line break", "odd number"],
)
def test_a_backslash_escapes_a_quote_where_the_rows_fit_only_so(
    cells: list[str], texts: list[str], ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escaped_quotes, "LINES", 1)
    file = written(tmp_path, ending, cells)
    rows, findings = read_rows(file)
    assert rows["text"][:] == texts and rows["label"][:] == ["ham"] * len(texts)
    escapes = file.read_text().count('\\"')
    assert [str(finding) for finding in findings] == [
        f'{escapes} double quotes in {file.name} are written as \\" and not doubled: read as quotes'
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_escaped_quotes_are_found_in_long_texts_and_in_utf_16(encoding: str, tmp_path: Path) -> None:
    text = 'she said "hi, you", ' + "again and " * 20_000 + "again"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    cell = text.replace('"', r"\"")
    (tmp_path / "a.csv").write_text(f'{mark}text,label\n"{cell}",ham\n', encoding=encoding)
    rows, findings = read_rows(tmp_path / "a.csv")
    assert rows["text"][:] == [text]
    assert str(findings[-1]).startswith("2 double quotes in a.csv are written as")


def test_a_separator_after_an_escaped_quote_is_in_the_text(tmp_path: Path) -> None:
    rows, _ = read_rows(written(tmp_path, "csv", [r'"a \", b"', "plain"]))
    assert rows["text"][:] == ['a ", b', "plain"]


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        ([r'"C:\dir\"', '"a ""word"" of it"'], ["C:\\dir\\", 'a "word" of it']),
        ([r'"C:\dir\"', r'"D:\"'], ["C:\\dir\\", "D:\\"]),
        (['5\\" pipe', '"quoted, too"'], ['5\\" pipe', "quoted, too"]),
    ],
    ids=["doubled", "at the end", "unquoted"],
)
def test_a_backslash_before_a_quote_stays_where_the_rows_fit(
    cells: list[str], texts: list[str], tmp_path: Path
) -> None:
    rows, findings = read_rows(written(tmp_path, "csv", cells))
    assert rows["text"][:] == texts and not findings


def test_rows_that_fit_neither_way_are_read_as_before(tmp_path: Path) -> None:
    rows, findings = read_rows(written(tmp_path, "csv", [r'"C:\dir\"', r'"he said \"hi\""']))
    assert rows["text"][0] == "C:\\dir\\" and not findings
