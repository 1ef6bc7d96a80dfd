"""A run is found by the content of its cell, and several processes write one file."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from support.compare_samples import tiny_grid
from uegr.compare.cell import Cell
from uegr.compare.grid import Grid, make_grid
from uegr.compare.result_slot import ResultSlot, latest_slots, read_slots, text_of
from uegr.compare.results_file import ResultsFile
from uegr.errors import UsageError

RUN = {"cost": {}, "padding": "x" * 5000}


@pytest.fixture
def grid(model_folder: Path, tmp_path: Path) -> Grid:
    return tiny_grid(model_folder, tmp_path)


def seeds(count: int) -> Sequence[Cell]:
    return make_grid({"methods": ["plain"], "tasks": ["sst2"], "seeds": count}, "g").cells


def enter_all(path: Path, cells: Sequence[Cell]) -> None:
    results_file = ResultsFile(path)
    for cell in cells:
        results_file.enter(cell, RUN)


def test_a_run_that_another_process_has_entered_is_not_reserved_again(tmp_path: Path) -> None:
    """Two processes of one grid: the second has looked for the missing runs before the first one entered its own."""
    path, cells = tmp_path / "results.jsonl", seeds(2)
    ResultsFile(path).enter(cells[0], RUN)
    ResultsFile(path).reserve(cells)
    assert [(slot.seed, slot.run is None) for slot in read_slots(path)] == [(0, False), (1, True)]


def test_a_result_stands_for_its_content_only(grid: Grid, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    cell, results_file = grid.cells[1], ResultsFile(path)
    results_file.enter(cell, {"cost": {}})
    assert results_file.find(cell) == {"cost": {}}
    twin = replace(cell, method="by another name", config=replace(cell.config, options={"passes": 1, "js_weight": 1.0}))
    assert results_file.find(twin) == {"cost": {}}, "an option given at its default is the same cell"
    assert results_file.find(replace(cell, config=replace(cell.config, learning_rate=0.5))) is None
    assert results_file.find(replace(cell, measurement=replace(cell.measurement, attack_steps=9))) is None
    line = json.loads(path.read_text())
    # An option that a later version added: nobody set it, so the result still stands.
    del line["content"]["option.js_weight"]
    path.write_text(json.dumps(line) + "\n")
    assert results_file.find(cell) is not None, "a file that has changed is read again"
    assert (
        results_file.find(replace(cell, config=replace(cell.config, options={"passes": 1, "js_weight": 0.0}))) is None
    )
    # A default that a later version changed: the result was another method's.
    line["content"]["option.epsilon"] = 0.5
    path.write_text(json.dumps(line) + "\n")
    assert results_file.find(cell) is None
    path.write_text("{")
    with pytest.raises(UsageError, match="remove the line"):
        results_file.find(cell)


def test_an_empty_line_says_what_is_missing_until_its_run_is_there(grid: Grid, tmp_path: Path) -> None:
    results_file = ResultsFile(tmp_path / "results.jsonl")
    results_file.reserve(grid.cells[:3])
    results_file.reserve(grid.cells[1:3])
    assert [slot.run for slot in read_slots(results_file.path)] == [None, None, None]
    assert results_file.find(grid.cells[1]) is None and results_file.cost_of_step(grid.cells[1]) is None
    results_file.enter(grid.cells[1], RUN)
    results_file.enter(grid.cells[3], RUN)
    slots = read_slots(results_file.path)
    assert [slot.run for slot in slots] == [None, RUN, None, RUN], "in place of its empty line, or at the end"
    assert [slot.key for slot in slots] == [slot.key for slot in results_file.slots(grid.cells)]
    assert [slot.run for slot in results_file.slots(grid.cells)] == [None, RUN, None, RUN]


def test_a_run_found_under_other_names_gets_a_line_of_the_cells_own(grid: Grid, tmp_path: Path) -> None:
    results_file, plain = ResultsFile(tmp_path / "results.jsonl"), grid.cells[0]
    baseline = replace(plain, method="baseline", task="again")
    results_file.reserve([plain, baseline, grid.cells[1]])
    results_file.enter(plain, {**RUN, "task": plain.task, "model": plain.model})
    for _ in range(2):
        results_file.reserve([plain, baseline, grid.cells[1]])
        first, second, third = read_slots(results_file.path)
        assert (second.task, second.method, second.run) == ("again", "baseline", {**(first.run or {}), "task": "again"})
        assert third.run is None
    results_file.reserve([replace(plain, method="a third")])
    assert [slot.method for slot in read_slots(results_file.path)] == ["plain", "baseline", "uegr", "a third"]


def test_the_lines_of_a_grid_are_the_latest_when_a_setting_is_changed_and_changed_back(tmp_path: Path) -> None:
    results_file, former = ResultsFile(tmp_path / "results.jsonl"), seeds(2)
    enter_all(results_file.path, former)
    changed = [replace(cell, config=replace(cell.config, epochs=5)) for cell in former[:1]]
    for cells, epochs in ((changed, [5]), (former, [3, 3]), (changed, [5])):
        results_file.reserve(cells)
        enter_all(results_file.path, [cell for cell in cells if results_file.find(cell) is None])
        assert [slot.content["train.epochs"] for slot in latest_slots(results_file.path)] == epochs
        assert len(read_slots(results_file.path)) == 3, "no run is lost, and none is written twice"


def test_a_line_of_an_earlier_version_is_written_again_with_all_settings(tmp_path: Path) -> None:
    """It lacks a setting, so that it could not be told from the lines of another value of it."""
    results_file, (cell,) = ResultsFile(tmp_path / "results.jsonl"), seeds(1)
    old = {key: value for key, value in cell.content().items() if key != "train.epochs"}
    results_file.path.write_text(text_of([ResultSlot(cell.task, cell.model, cell.method, cell.seed, old, RUN)]))
    changed = replace(cell, config=replace(cell.config, epochs=5))
    enter_all(results_file.path, [changed])
    results_file.reserve([cell])
    assert [slot.content.get("train.epochs") for slot in read_slots(results_file.path)] == [5, 3]


def test_an_empty_line_of_other_settings_gives_way(tmp_path: Path) -> None:
    results_file, (first, second) = ResultsFile(tmp_path / "results.jsonl"), seeds(2)
    results_file.reserve([first, second])
    results_file.enter(second, RUN)
    changed = replace(first, config=replace(first.config, epochs=5))
    results_file.reserve([changed])
    results_file.enter(changed, RUN)
    assert [slot.content["train.epochs"] for slot in latest_slots(results_file.path)] == [5]


def test_a_file_with_the_lines_of_a_grid_is_not_written(tmp_path: Path) -> None:
    enter_all(tmp_path / "results.jsonl", seeds(2))
    (tmp_path / ".results.jsonl.lock").unlink(missing_ok=True)
    before = (tmp_path / "results.jsonl").stat().st_mtime_ns
    ResultsFile(tmp_path / "results.jsonl").reserve(seeds(2))
    assert (tmp_path / "results.jsonl").stat().st_mtime_ns == before
    assert not (tmp_path / ".results.jsonl.lock").exists()


def test_the_cost_of_a_step_is_that_of_another_seed(grid: Grid, tmp_path: Path) -> None:
    results_file = ResultsFile(tmp_path / "results.jsonl")
    results_file.enter(grid.cells[0], {"cost": {"flop_ratio": 1.5}})
    assert results_file.cost_of_step(grid.cells[2]) == {"flop_ratio": 1.5}
    assert results_file.cost_of_step(grid.cells[1]) is None, "another method"


def test_a_run_whose_step_was_not_measured_gives_no_cost_to_other_seeds(grid: Grid, tmp_path: Path) -> None:
    results_file = ResultsFile(tmp_path / "results.jsonl")
    results_file.enter(grid.cells[0], {"cost": {"seconds": 1.0}})
    assert results_file.cost_of_step(grid.cells[2]) is None


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    path, cells = tmp_path / "results.jsonl", seeds(40)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=enter_all, args=(path, cells[first::2])) for first in (0, 1)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        read_slots(path)  # raises on half a line
        time.sleep(0.01)
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(slot.seed for slot in read_slots(path)) == list(range(40)), "no line is lost"


def test_a_kill_leaves_whole_lines_and_no_lock(tmp_path: Path) -> None:
    path, cells = tmp_path / "results.jsonl", seeds(400)
    process = multiprocessing.get_context("fork").Process(target=enter_all, args=(path, cells))
    process.start()
    while len(read_slots(path)) < 5:
        time.sleep(0.001)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    count = len(read_slots(path))
    assert 5 <= count < 400
    ResultsFile(path).enter(cells[-1], RUN)
    assert len(read_slots(path)) == count + 1


def test_merging_adds_what_is_new_and_keeps_what_is_there(tmp_path: Path) -> None:
    here, other, cells = ResultsFile(tmp_path / "here.jsonl"), ResultsFile(tmp_path / "other.jsonl"), seeds(4)
    here.reserve(cells[1:2])
    here.enter(cells[0], {"cost": {}, "made": "here"})
    other.reserve(cells)
    enter_all(other.path, cells[:3])
    assert [slot.seed for slot in here.merge(read_slots(other.path))] == [1, 2]
    assert here.merge(read_slots(other.path)) == []
    assert [here.find(cell) for cell in cells] == [{"cost": {}, "made": "here"}, RUN, RUN, None]
    assert [slot.seed for slot in read_slots(here.path)] == [1, 0, 2, 3], "one line per cell"


def test_a_cell_that_two_processes_have_run_has_one_line(tmp_path: Path) -> None:
    """Two grids with one results file and other run folders: neither waits for the other."""
    results_file, (cell,) = ResultsFile(tmp_path / "results.jsonl"), seeds(1)
    results_file.reserve([cell])
    for made in ("here", "there"):
        results_file.enter(cell, {"cost": {}, "made": made})
    assert [slot.run for slot in read_slots(results_file.path)] == [{"cost": {}, "made": "here"}]


def test_of_two_lines_of_a_cell_all_tables_take_the_last(tmp_path: Path) -> None:
    """As a file of an earlier version has them."""
    results_file, (cell,) = ResultsFile(tmp_path / "results.jsonl"), seeds(1)
    names = (cell.task, cell.model, cell.method, cell.seed)
    slots = [ResultSlot(*names, cell.content(), {"cost": {}, "made": made}) for made in ("first", "second")]
    other = replace(slots[0], method="under another name")
    results_file.path.write_text(text_of([*slots, other]))
    assert results_file.find(cell) == slots[1].run == latest_slots(results_file.path)[0].run
    results_file.reserve([cell])
    assert read_slots(results_file.path) == [*slots, other]
