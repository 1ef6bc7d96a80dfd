"""Summaries of made-up results whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from support.compare_samples import first_task, made_up_grid, made_up_run, made_up_slots, made_up_tables
from uegr.compare.cell import Cell
from uegr.compare.grid import Grid
from uegr.compare.grid_summary import Table, leads, mark, ranks, summarise
from uegr.compare.grid_table import cells
from uegr.compare.measures import CLEAN, ECE, ROBUST, Measure
from uegr.compare.result_slot import Run
from uegr.modeling.metrics import Metric
from uegr.runs.run_result import RunResult


@pytest.fixture(scope="module")
def grid() -> Grid:
    return made_up_grid()


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    return made_up_tables()


def test_differences_that_exist_are_found_and_no_others(tables: list[Table]) -> None:
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
    assert ranks(tables, ROBUST)[0]["uegr"] == 1.0
    assert ranks(tables, ECE)[0]["sam"] == 3.0
    assert ranks(tables, ECE)[1] == 2


def test_without_plain_methods_are_compared_with_the_best_only(grid: Grid) -> None:
    slots = made_up_slots(cell for cell in first_task(grid) if cell.method != "plain")
    (table,) = summarise(slots, plain=None)
    uegr = table.line("uegr")
    assert uegr and not uegr.plain and uegr.best["robust"].opponent == "sam"


def test_one_seed_claims_nothing(grid: Grid) -> None:
    (table,) = summarise(made_up_slots(grid.cells[:3]))
    uegr = table.line("uegr")
    assert uegr and mark(uegr, "robust") == "" and not leads(uegr, "robust")
    assert "±" not in " ".join(cells(table, uegr))


def test_a_collapsed_method_wins_nothing(grid: Grid) -> None:
    def run_of(cell: Cell) -> Run:
        run = made_up_run(cell)
        if cell.method == "sam" and cell.seed < 3:
            run["robustness"]["accuracy"] = [0.95, 0.95]
        return run

    (table,) = summarise(made_up_slots(first_task(grid), run_of))
    sam, uegr = table.line("sam"), table.line("uegr")
    assert sam and uegr and sam.estimates["robust"].mean > uegr.estimates["robust"].mean
    assert sam.collapsed == 3 and not sam.learned and not sam.plain and not sam.best
    assert uegr.best["robust"].opponent == "plain"
    assert ranks([table], ROBUST)[0] == {"uegr": 1.0, "plain": 2.0, "sam": 3.0}
    assert ranks([table], CLEAN)[0]["sam"] == 3.0


def test_a_metric_that_falls_while_the_accuracy_rises_can_be_worse(grid: Grid) -> None:
    """A drift to the frequent class lowers Matthews; the examples, of which more are right, say nothing about it."""

    def run_of(cell: Cell) -> Run:
        run = made_up_run(cell)
        run |= {"metric": "matthews"}
        fall = 0.2 if cell.method == "uegr" else 0.0
        run["metrics"] = {**run["metrics"], "matthews": 0.5 - fall + 0.001 * cell.seed * (1 + fall)}
        return run

    (table,) = summarise(made_up_slots(first_task(grid), run_of))
    uegr = table.line("uegr")
    assert uegr and uegr.plain["clean"].comparison.p_examples is None and mark(uegr, "clean") == "▼"


def test_without_an_attack_there_is_no_robustness(grid: Grid) -> None:
    def run_of(cell: Cell) -> Run:
        run = made_up_run(cell)
        run["robustness"] |= {"epsilons": [0.0], "accuracy": [0.8]}
        return {key: value for key, value in run.items() if key != "outcomes"}

    (table,) = summarise(made_up_slots(first_task(grid), run_of))
    assert all(line.learned and "robust" not in line.estimates for line in table.lines)
    assert cells(table, table.lines[0])[3] == "–"


def test_without_runs_there_is_no_table(grid: Grid) -> None:
    assert summarise(made_up_slots(grid.cells, lambda cell: None)) == []


def test_each_table_is_compared_by_its_own_measure_of_a_name() -> None:
    """Measures of one name may be means over other attacks or data sets: tasks are transferred to different sets."""

    def on(task: str) -> Callable[[RunResult], float | None]:
        return lambda run: run.further["on"] if run.task == task else None

    def own_measure(runs: Sequence[RunResult]) -> list[Measure]:
        return [Measure("other data", Metric("other data %"), on(runs[0].task))]

    values = {("first", "plain"): 0.5, ("first", "uegr"): 0.6, ("second", "plain"): 0.5, ("second", "uegr"): 0.3}
    slots = []
    for (task, method), value in values.items():
        for slot in made_up_slots(cell for cell in first_task(made_up_grid()) if cell.method == method):
            assert slot.run is not None
            slots.append(replace(slot, task=task, run={**slot.run, "task": task, "on": value}))
    for table, difference in zip(summarise(slots, choose_measures=own_measure), (0.1, -0.2), strict=True):
        uegr = table.line("uegr")
        assert uegr and uegr.plain["other data"].comparison.difference.mean == pytest.approx(difference)
