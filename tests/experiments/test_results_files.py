"""The committed results parse, and belong to the committed grids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from uegr.compare.grid import Grid, read_grid
from uegr.compare.result_slot import latest_slots, read_slots
from uegr.compare.results_file import ResultsFile
from uegr.compare.tuning import read_tuning

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
RESULTS = EXPERIMENTS / "results"
GRIDS = sorted((EXPERIMENTS / "grids").glob("*.yaml"))


@pytest.fixture(autouse=True)
def models_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UEGR_MODELS", "/models")


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_lines_are_results(path: Path) -> None:
    slots = read_slots(path)
    assert slots and latest_slots(path) == slots, "one line per run"
    for slot in slots:
        if slot.run is not None:
            assert slot.run["seed"] == slot.seed and slot.run["metrics"] and slot.run["robustness"]["epsilons"]


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_documents_are_json(path: Path) -> None:
    assert json.loads(path.read_text())


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_every_run_of_a_grid_has_its_line(path: Path) -> None:
    """A finished run is found by its content, so that `uegr compare` repeats none of them."""
    grid, results = read_grid(path), RESULTS / f"{path.stem}.jsonl"
    slots = {slot.key: slot for slot in latest_slots(results)}
    results_file = ResultsFile(results)
    for cell in grid.cells:
        slot = slots[cell.task, cell.model, cell.method, cell.seed]
        assert (results_file.find(cell) is None) == (slot.run is None), cell.label


FAMILIES = sorted((EXPERIMENTS / "tuning").glob("*.yaml"))


@pytest.mark.parametrize("path", FAMILIES, ids=lambda path: path.stem)
def test_families_of_tasks_are_tuned_alike(path: Path) -> None:
    tuning, grid = read_tuning(path), read_grid(EXPERIMENTS / "grids" / "thirteen.yaml")
    assert [search.name for search in tuning.searches] == list(grid.methods)
    assert tuning.trials == 12
    for search in tuning.searches:
        assert search.space["learning_rate"] == {"low": 1e-5, "high": 1e-3, "log": True}
        assert len(search.space) <= 3, f"{search.name}: at most two values of its own"
        for key, values in search.space.items():
            if isinstance(values, dict) and key in search.item.get("options", {}):
                assert values["low"] < search.item["options"][key] < values["high"], f"{search.name}: {key}"


def test_every_family_of_tasks_has_its_tuned_values_and_every_task_its_family() -> None:
    grid = read_grid(EXPERIMENTS / "grids" / "thirteen.yaml")
    base = yaml.safe_load((EXPERIMENTS / "grids" / "base" / "thirteen.yaml").read_text())
    tuned = {Path(name).name: tasks for name, tasks in base["tuned"].items()}
    assert {*tuned} == {f"tuning_{path.stem}.tuned.yaml" for path in FAMILIES}
    assert sorted(task for tasks in tuned.values() for task in tasks) == sorted(grid.tasks)
    for path in FAMILIES:
        assert {cell.task for cell in _first_trial(path).cells} <= {*tuned[f"tuning_{path.stem}.tuned.yaml"]}


def _first_trial(path: Path) -> Grid:
    tuning = read_tuning(path)
    return tuning.grid([search.item for search in tuning.searches])


def test_all_methods_are_tuned_alike() -> None:
    tuning = read_tuning(EXPERIMENTS / "tuning.yaml")
    methods = {"plain", "r-drop", "freelb", "smart", "child-tuning-d", "roast", "uegr"}
    assert {search.name for search in tuning.searches} == methods
    trials = json.loads((RESULTS / "tuning.trials.json").read_text())
    assert {search["method"]: len(search["trials"]) for search in trials["methods"]} == dict.fromkeys(methods, 6)
