"""Tables for the terminal: uegr/runs/wide_table.py."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from uegr.runs.wide_table import WideTable


def printed(columns: int, width: int) -> list[str]:
    headings = ["method", *(f"measure{i} %" for i in range(columns))]
    rows = [[method, *(f"{10 * i}.5 ± 1.0" for i in range(columns))] for method in ("plain", "adversarial view")]
    text = StringIO()
    Console(file=text, width=width).print(WideTable(headings, rows, "trec, bert-tiny", "a caption"))
    return text.getvalue().splitlines()


def test_every_cell_of_a_table_wider_than_the_terminal_is_readable() -> None:
    lines = printed(columns=17, width=80)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80 and "…" not in text
    for i in range(17):
        assert f"measure{i}" in text and text.count(f" {10 * i}.5 ± 1.0") == 2
    assert text.count("adversarial view") > 1, "each part names its rows"
    assert text.count("trec, bert-tiny") == text.count("a caption") == 1


def test_a_table_that_fits_stays_whole() -> None:
    assert sum("plain" in line for line in printed(columns=3, width=80)) == 1
    assert sum("plain" in line for line in printed(columns=17, width=400)) == 1


def test_one_column_that_does_not_fit_still_ends() -> None:
    assert len(printed(columns=2, width=12)) > 4
