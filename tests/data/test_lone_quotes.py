"""Quotes of a CSV or TSV file that do not enclose cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from uegr.data.file_readers import read_rows
from uegr.errors import UsageError


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


def test_a_cell_over_several_lines_ends_at_a_quote_and_a_separator(tmp_path: Path) -> None:
    lines = ["text,label", '"a whole text\nof two lines",0', 'plain 5" text,0', '"a quote" begins,1', '"quoted",0']
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    texts = ["a whole text\nof two lines", 'plain 5" text', "a quote begins", "quoted"]
    assert read_rows(tmp_path / "a.csv")[0]["text"][:] == texts


def test_a_text_that_begins_with_a_quote_does_not_swallow_the_rows_down_to_the_next(tmp_path: Path) -> None:
    lines = ["text,label", '"a whole\ntext",0', '"a quote begins,1', "plain,0", '"and another,1', "plain,0"]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        UsageError, match="opens a cell in line 4 of .*, and the next one, in line 6, does not close it"
    ):
        read_rows(tmp_path / "a.csv")
