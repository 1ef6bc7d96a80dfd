"""Published figures beside ours: experiments/reported.yaml and experiments/reported_table.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from experiments.grid_sections import read_grid_results
from experiments.reported_table import HEADS, read_reported, reported_table

from uegr.compare.grid import read_grid
from uegr.compare.grid_summary import Table
from uegr.modeling.metrics import METRICS

GRIDS = Path(__file__).parents[2] / "experiments" / "grids"


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    return read_grid_results("main")[1]


def _rows(text: str) -> list[list[str]]:
    """The cells of the table's rows, without its two head lines."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines[1:]]


def test_records_name_methods_and_tasks_of_the_grid_and_their_source() -> None:
    grid, figures = read_grid(GRIDS / "thirteen.yaml"), read_reported()
    assert len(figures) == len({(f.method, f.task, f.model, f.source) for f in figures}), "no figure twice"
    for figure in figures:
        assert figure.method in grid.methods and figure.task in grid.tasks, figure
        assert figure.metric in {*METRICS, "pearson-spearman", "not stated"}, figure
        assert 50 < figure.value < 100 and (figure.baseline is None or 50 < figure.baseline < 100), figure
        assert figure.split in ("validation", "test") and figure.source and figure.selection, figure
        assert figure.seen_in != figure.source, figure


def test_ours_stand_beside_theirs(tables: list[Table]) -> None:
    rows = _rows(reported_table(tables))
    assert len(rows) == len(read_reported()) and {len(row) for row in rows} == {len(HEADS)}
    table = next(table for table in tables if table.task == "rte")
    plain, smart = (table.line(method) for method in ("plain", "smart"))
    assert plain is not None and smart is not None
    means = [100 * line.estimates["clean"].mean for line in (plain, smart)]
    row = next(row for row in rows if row[:2] == ["rte", "smart"] and "2008.03156" in row[5])
    assert row[2:5] == ["86.6 → 92.0 accuracy", "+5.4", "RoBERTa-large"]
    assert row[6] == f"{means[0]:.1f} → {means[1]:.1f} accuracy" and row[8] == table.model
    assert row[7].startswith(f"{means[1] - means[0]:+.1f} [")


def test_what_was_not_confirmed_or_not_run_is_a_dash(tables: list[Table]) -> None:
    rows = _rows(reported_table(tables))
    assert next(row for row in rows if row[0] == "ag_news")[6:] == ["–"] * 3, "not among the tasks of main"
    without_baseline = [row for row in rows if row[2].startswith("– → ")]
    assert without_baseline and all(row[3] == "–" for row in without_baseline)
    collapsed = next(row for row in rows if row[:2] == ["cola", "freelb"])
    assert collapsed[6].endswith("→ 0.0 Matthews") and collapsed[7] == "–"


def test_the_reasons_are_taken_from_the_records_and_the_runs(tables: list[Table]) -> None:
    text = reported_table(tables)
    reasons = text[text.index("Why they differ") :]
    assert "all-MiniLM-L6-v2 (23) here; BERT-base (110)" in reasons
    assert "`sst2` 2,000 of 67,349" in reasons and "`rte` 277" not in reasons, "all test examples of RTE are used"
    assert "`mrpc` test here, validation in 2106.14448" in reasons and "`cola` validation here" not in reasons
    assert "`mrpc` F1 here, accuracy in 1911.03437" in reasons and "`rte` accuracy here" not in reasons
    assert "best of 3 runs (smart in 1911.03437)" in reasons
    assert reasons.endswith("could be confirmed for roast, uegr.")
    only_rte = reported_table([table for table in tables if table.task == "rte"])
    assert "**Split**" not in only_rte and "**Metric**" not in only_rte and "**Test examples**" not in only_rte


def test_without_runs_only_theirs_are_shown() -> None:
    text = reported_table([])
    rows = _rows(text)
    assert len(rows) == len(read_reported()) and all(row[6:] == ["–"] * 3 for row in rows)
    assert "Why they differ" not in text and "could be confirmed for" not in text
