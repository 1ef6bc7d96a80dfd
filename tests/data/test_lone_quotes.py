"""Quotes of a TSV file that do not enclose cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from uegr.data.file_readers import read_rows


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("before", ["", "sep=\t\n", "\n"])
def test_an_even_number_of_lone_quotes_swallows_no_rows(before: str, end: str, tmp_path: Path) -> None:
    lines = ["text\tlabel", '"a quote begins\t0', "plain\t1", '"and another\t0', "also plain\t1"]
    (tmp_path / "a.tsv").write_bytes((before + end.join(lines) + end).encode())
    rows, findings = read_rows(tmp_path / "a.tsv")
    assert [(row["text"], row["label"]) for row in rows] == [tuple(line.split("\t")) for line in lines[1:]]
    assert [str(finding) for finding in findings] == [
        "2 double quotes in a.tsv, not in pairs: read as plain characters"
    ]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ('text\tlabel\n"a\nfilm"\t0\nplain\t1\n', ["a\nfilm", "plain"]),
        ('text\tlabel\n"a\n\nfilm"\t0\n"b\tc"\t1\n', ["a\n\nfilm", "b\tc"]),
        ('"a\ntext"\tlabel\nplain\t0\n', ["plain"]),
        ('text\n"a\nfilm"\nplain\n', ["a\nfilm", "plain"]),
        ('text\tlabel\n"quoted"\t0\n"a ""word"" of it"\t1\n', ["quoted", 'a "word" of it']),
    ],
    ids=["line break", "empty line", "header", "one column", "no line break"],
)
def test_quotes_that_enclose_cells_are_those_of_cells(content: str, texts: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(content)
    rows, findings = read_rows(tmp_path / "a.tsv")
    assert rows[rows.column_names[0]][:] == texts and not findings
