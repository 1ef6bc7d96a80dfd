"""Summaries of made-up results whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

from uegr.cli.terminal import console
from uegr.compare.cell import Cell
from uegr.compare.grid import Grid, make_grid
from uegr.compare.grid_summary import Table, leads, mark, ranks, summarise
from uegr.compare.grid_table import cells, footnote, headings, markdown, terminal
from uegr.compare.ledger import Ledger
from uegr.compare.measures import MEASURES
from uegr.evaluation.packed_outcomes import pack_bits, pack_outcomes
from uegr.report.figures.grid_figures import curves_figure, front_figure, rates_figure, settings_figure, svg_text

CLEAN_MEASURE, ROBUST_MEASURE, _, ECE_MEASURE = MEASURES
CLEAN = {"plain": 0.8, "uegr": 0.8, "sam": 0.8}
HELD = {"plain": 0.2, "uegr": 0.6, "sam": 0.2}


def entry(cell: Cell) -> dict[str, Any]:
    """A run that gets CLEAN right and holds HELD at the one radius, up to the seed's noise."""
    generator = np.random.default_rng([len(cell.method), ord(cell.method[0]), cell.seed])
    clean = generator.random(400) < CLEAN[cell.method]
    robust = np.stack([generator.random(200) < 0.8, generator.random(200) < HELD[cell.method]])
    ece = {"plain": 0.1, "uegr": 0.1, "sam": 0.2}[cell.method] + generator.normal(0, 0.002)
    return {
        "method": cell.method,
        "task": cell.task,
        "model": cell.model,
        "seed": cell.seed,
        "metric": "accuracy",
        "metrics": {"accuracy": float(clean.mean()), "ece": ece},
        "robustness": {
            "epsilons": [0.0, 0.02],
            "accuracy": [float(one) for one in robust.mean(axis=1)],
            "examples": 200,
        },
        "outcomes": pack_outcomes(clean, robust),
        "cost": {"seconds": 1.0, "flop_ratio": 2.0, "time_ratio": 3.0},
    }


@pytest.fixture(scope="module")
def grid() -> Grid:
    return make_grid({"methods": list(CLEAN), "tasks": ["sst2", "cola"], "seeds": 5}, "g")


@pytest.fixture(scope="module")
def tables(grid: Grid, tmp_path_factory: pytest.TempPathFactory) -> list[Table]:
    """All runs of the first task, four of five seeds of the second."""
    ledger = Ledger(tmp_path_factory.mktemp("results"))
    for cell in grid.cells:
        if cell.task == "sst2" or cell.seed < 4:
            ledger.enter(cell, entry(cell))
    return summarise(grid, ledger)


def test_what_is_there_is_found_and_what_is_not_is_not(tables: list[Table]) -> None:
    first, second = tables
    for table in tables:
        uegr, sam, plain = (table.line(name) for name in ("uegr", "sam", "plain"))
        assert uegr and sam and plain
        assert uegr.estimates["robust"].mean == pytest.approx(0.6, abs=0.05)
        assert mark(uegr, "robust") == "▲" and leads(uegr, "robust")
        assert mark(sam, "ECE") == "▼" and not leads(sam, "ECE")
        assert mark(uegr, "clean") == mark(sam, "robust") == mark(plain, "robust") == ""
        assert not leads(plain, "ECE")
        assert "typos" not in uegr.estimates
        assert uegr.plain["robust"].p >= uegr.plain["robust"].comparison.p, "adjusted over the grid"
    assert first.complete and not second.complete
    assert ranks(tables, ROBUST_MEASURE)[0]["uegr"] == 1.0
    assert ranks(tables, ECE_MEASURE)[0]["sam"] == 3.0
    assert ranks(tables, ECE_MEASURE)[1] == 2


def test_text_says_means_intervals_counts_and_marks(tables: list[Table]) -> None:
    heads, rows = headings(tables[1]), [cells(tables[1], line) for line in tables[1].lines]
    assert heads == ["method", "n", "accuracy %", "robust %", "PGD 0.02", "typos %", "ECE", "FLOPs ×", "time ×"]
    uegr = rows[1]
    assert uegr[:2] == ["uegr", "4/5"]
    assert uegr[3].startswith("**") and uegr[3].endswith("** ▲") and " ± " in uegr[3]
    assert uegr[5] == "–"
    assert markdown(heads, rows).splitlines()[3] == f"| {' | '.join(uegr)} |"
    with console.capture() as captured:
        console.print(terminal(tables[0]))
    assert "▲" in captured.get() and "**" not in captured.get()
    assert footnote(tables[0]) == ""


def test_one_seed_claims_nothing(grid: Grid, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for cell in grid.cells[:3]:
        ledger.enter(cell, entry(cell))
    (table,) = summarise(grid, ledger)
    uegr = table.line("uegr")
    assert uegr and mark(uegr, "robust") == "" and not leads(uegr, "robust")
    assert "±" not in " ".join(cells(table, uegr))


def test_a_constant_answer_is_no_robustness(grid: Grid, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for cell in (one for one in grid.cells if one.task == "sst2" and one.seed < 2):
        run = entry(cell)
        if cell.method == "sam" and cell.seed == 0:
            run["robustness"]["accuracy"] = [0.53, 0.53]
        ledger.enter(cell, run)
    (table,) = summarise(grid, ledger)
    assert "1 of 2 runs of sam:" in footnote(table)
    with console.capture() as captured:
        console.print(terminal(table))
    assert "one answer" in " ".join(captured.get().split())


def test_a_method_that_gives_one_answer_wins_nothing(grid: Grid, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for cell in (one for one in grid.cells if one.task == "sst2"):
        run = entry(cell)
        if cell.method == "sam" and cell.seed < 3:
            run["robustness"]["accuracy"] = [0.95, 0.95]
        ledger.enter(cell, run)
    (table,) = summarise(grid, ledger)
    sam, uegr = table.line("sam"), table.line("uegr")
    assert sam and uegr and sam.estimates["robust"].mean > uegr.estimates["robust"].mean
    assert not sam.learned and not sam.plain and not sam.best
    assert uegr.best["robust"].other == "plain"
    assert ranks([table], ROBUST_MEASURE)[0] == {"uegr": 1.0, "plain": 2.0, "sam": 3.0}
    assert ranks([table], CLEAN_MEASURE)[0]["sam"] == 3.0


def test_without_an_attack_nothing_is_said_of_robustness(grid: Grid, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for cell in (one for one in grid.cells if one.task == "sst2"):
        run = entry(cell)
        run["robustness"] |= {"epsilons": [0.0], "accuracy": [0.8]}
        ledger.enter(cell, {key: value for key, value in run.items() if key != "outcomes"})
    (table,) = summarise(grid, ledger)
    assert all(line.learned and "robust" not in line.estimates for line in table.lines)
    assert cells(table, table.lines[0])[3] == "–"


def test_further_attacks_are_measures_like_the_others(grid: Grid, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for cell in (one for one in grid.cells if one.task == "sst2"):
        generator = np.random.default_rng(cell.seed)
        held = generator.random(200) < HELD[cell.method]
        text = {"attack": "synonyms", "accuracy": float(held.mean()), "examples": 200, "outcomes": pack_bits(held)}
        curve = {"attack": "auto-pgd", "epsilons": [0.0, 0.02, 0.04], "accuracy": [0.8, 0.4, 0.2]}
        ledger.enter(cell, {**entry(cell), "text_attacks": [text], "embedding_attacks": [curve]})
    (table,) = summarise(grid, ledger)
    uegr = table.line("uegr")
    assert uegr and uegr.estimates["auto-pgd"].mean == pytest.approx(0.3)
    assert mark(uegr, "synonyms") == "▲" and uegr.plain["synonyms"].comparison.p_examples is not None
    assert headings(table)[-6:] == ["typos %", "auto-pgd %", "synonyms %", "ECE", "FLOPs ×", "time ×"]
    assert len(cells(table, uegr)) == len(headings(table))


def test_nothing_run_is_nothing_said(grid: Grid, tmp_path: Path) -> None:
    assert summarise(grid, Ledger(tmp_path)) == []


def test_figures_come_out_the_same_each_time(tables: list[Table]) -> None:
    rates = {"robust": {(0.1, 0.1): 40.0, (0.1, 0.3): 50.0, (0.3, 0.3): 45.0}}
    for draw in (lambda: front_figure(tables), lambda: curves_figure(tables), lambda: rates_figure(rates)):
        assert svg_text(draw()) == svg_text(draw())
    panels = front_figure(tables).axes
    assert [axes.get_title() for axes in panels] == ["sst2", "cola"]
    assert sum(bool(text.get_text()) for text in rates_figure(rates).axes[0].texts) == 3


def test_a_method_has_one_colour_in_all_panels(tables: list[Table]) -> None:
    first, second = tables
    fewer = replace(second, lines=[line for line in second.lines if line.method != "plain"])
    for figure in (front_figure([first, fewer]), curves_figure([first, fewer])):
        full, partial = (_colours(axes) for axes in figure.axes)
        assert partial == {name: full[name] for name in ("uegr", "sam")}


def _colours(axes: Axes) -> dict[str, str]:
    handles, names = axes.get_legend_handles_labels()
    lines = [one[0] if isinstance(one, ErrorbarContainer) else one for one in handles]
    return {name: line.get_color() for name, line in zip(names, lines, strict=True)}


def test_the_line_goes_through_what_nothing_beats() -> None:
    figure = settings_figure({"sst2": {"uegr": [(0.5, 0.7), (0.4, 0.8), (0.4, 0.6), (0.3, 0.75)]}})
    front, points = figure.axes[0].get_lines()
    assert list(front.get_xdata()) == pytest.approx([40, 50]) and list(front.get_ydata()) == pytest.approx([80, 70])
    assert len(np.asarray(points.get_xdata())) == 4
