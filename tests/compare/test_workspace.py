"""One cell: the same data for every method, one measurement of the cost, further attacks."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from support.compare_samples import tiny_grid, workspace
from uegr.compare.cell import Cell
from uegr.compare.grid import Grid, make_grid
from uegr.compare.grid_runner import run_grid
from uegr.compare.local_engines import CellEvent
from uegr.compare.results_file import ResultsFile
from uegr.compare.workspace import run_cell
from uegr.errors import StoppedError, UsageError
from uegr.methods.method import Method
from uegr.runs.run_folder import read_run


@pytest.fixture
def grid(model_folder: Path, tmp_path: Path) -> Grid:
    return tiny_grid(model_folder, tmp_path)


def test_same_data_order_for_every_method_and_one_cost_measurement_for_all_seeds(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[tuple[str, int], list[torch.Tensor]] = {}
    measured: list[str] = []
    original = Method.loss

    def watch(self: Method, batch: Any, **keywords: Any) -> torch.Tensor:
        seen.setdefault((self.name, self.seed), []).append(batch["input_ids"])
        return original(self, batch, **keywords)

    def count(model: Any, batch: Any, method: Method, *rest: Any, **more: Any) -> dict[str, float]:
        measured.append(method.name)
        return {"flop_ratio": 1.5, "time_ratio": 2.0}

    monkeypatch.setattr("uegr.runs.train.measure_cost", count)
    monkeypatch.setattr(Method, "loss", watch)
    where = workspace(tmp_path)
    run_grid(grid, where)
    for seed in (0, 1):
        pairs = list(zip(seen["plain", seed], seen["uegr", seed], strict=True))
        assert len(pairs) == 21 and all(torch.equal(plain_ids, uegr_ids) for plain_ids, uegr_ids in pairs)
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(seen["plain", 0], seen["plain", 1], strict=True))
    assert measured == ["plain", "uegr"]
    assert {where.results.find(cell)["cost"]["flop_ratio"] for cell in grid.cells} == {1.5}  # type: ignore[index]


def test_a_grid_has_further_attacks(grid: Grid, tmp_path: Path) -> None:
    attacks: dict[str, Any] = {"auto-pgd": {"steps": 3, "restarts": 1}, "typos": None}
    plain = grid.cells[0]
    cell = replace(plain, measurement=replace(plain.measurement, attacks=attacks))
    where = workspace(tmp_path)
    assert run_grid(Grid("further", (cell,)), where) == []
    entry = where.results.find(cell)
    assert entry is not None and where.results.find(plain) is None
    assert cell.content()["measure.attacks"]["typos"]["rate"] == 0.3, "with its defaults"
    (curve,), (text,) = entry["embedding_attacks"], entry["text_attacks"]
    assert (curve["attack"], curve["steps"], curve["epsilons"], curve["examples"]) == ("auto-pgd", 3, [0.0, 0.1], 4)
    assert (text["attack"], text["examples"]) == ("typos", 4)


def test_what_an_attack_of_a_grid_needs_is_checked_before_the_training(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    plain = grid.cells[0]
    cell = replace(plain, measurement=replace(plain.measurement, attacks={"synonyms": {"synonyms": "ppdb"}}))
    where = workspace(tmp_path)
    with pytest.raises(UsageError, match="the synonym table ppdb is not on this machine"):
        run_cell(cell, where, lambda stage, done, total: None)
    assert not list(where.runs.glob("*/run.json"))


def test_attacks_of_a_grid_may_see_calibrated_probabilities(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uegr.runs.attack.fit_temperature", lambda logits, labels: 2.0)
    plain = grid.cells[0]
    cells = [
        replace(plain, measurement=replace(plain.measurement, attacks={"deletion": None}, calibrated=calibrated))
        for calibrated in (False, True)
    ]
    assert "measure.calibrated" not in cells[0].content(), "runs of earlier versions do not have it"
    where = workspace(tmp_path)
    for cell in cells:
        assert where.results.find(cell) is None, "the two are different runs"
        assert run_grid(Grid("calibrated", (cell,)), where) == []
    texts = [where.results.find(cell)["text_attacks"][0] for cell in cells]  # type: ignore[index]
    assert [text.get("temperature") for text in texts] == [None, 2.0]


def test_a_kept_run_is_measured_again_for_another_grid(grid: Grid, tmp_path: Path) -> None:
    """The attacks that the first grid measured are in the folder's results.json, and not in the second grid's line."""
    plain = grid.cells[0]
    first = replace(plain, measurement=replace(plain.measurement, attacks={"typos": None}))
    second = replace(plain, measurement=replace(plain.measurement, attacks={}, split="validation"))
    where = replace(workspace(tmp_path), keep_models=True)
    assert run_grid(Grid("kept", (first,)), where) == [] and run_grid(Grid("kept", (second,)), where) == []
    entry = where.results.find(second)
    assert entry is not None and entry["split"] == "validation" and "text_attacks" not in entry


def moved(grid: Grid, folder: Path) -> Cell:
    """The first cell after its file and its model were moved into another folder."""
    (cell,) = grid.cells[:1]
    folder.mkdir()
    file = shutil.move(str(cell.config.data.train_file), str(folder / "moved.csv"))
    model = shutil.move(cell.config.model, str(folder / "model"))
    return replace(cell, config=replace(cell.config, data=replace(cell.config.data, train_file=file), model=model))


def test_a_kept_run_is_measured_with_the_files_where_they_are_now(model_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    grid = tiny_grid(tmp_path / "model", tmp_path)
    where = replace(workspace(tmp_path), keep_models=True)
    assert run_grid(Grid("kept", grid.cells[:1]), where) == []
    cell = moved(grid, tmp_path / "elsewhere")
    assert run_grid(Grid("kept", (cell,)), where) == [], "nothing is run"
    cell = replace(cell, measurement=replace(cell.measurement, split="validation"))
    stages = set()
    assert run_grid(Grid("kept", (cell,)), where, on_event=lambda cell, event: stages.add(event.kind)) == []
    assert stages == {"attacking", "done"}, "the model is not trained again"
    (folder,) = where.runs.glob("reviews-*")
    record = read_run(folder)
    places = [*record["files"], *record["model_folder"]]
    assert places == [cell.config.data.train_file, cell.config.model] and record["config"]["model"] == places[1]


def test_an_interrupted_run_goes_on_with_the_files_where_they_are_now(model_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    grid, where = tiny_grid(tmp_path / "model", tmp_path), workspace(tmp_path)
    steps: list[int] = []

    def crash(stage: str, step: int, _total: int) -> None:
        if step == 10:
            raise SystemError("power cut")

    def count(stage: str, step: int, _total: int) -> None:
        if stage == "training":
            steps.append(step)

    with pytest.raises(SystemError):
        run_cell(grid.cells[0], where, crash)
    run_cell(moved(grid, tmp_path / "elsewhere"), where, count)
    assert steps[0] == 8, "after the first epoch"


@pytest.mark.parametrize("changed", ["reviews.csv", "model"])
@pytest.mark.parametrize("stage", ["training", "attacking"])
def test_a_result_is_not_entered_for_files_that_changed_while_it_was_made(
    stage: str, changed: str, model_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    cell, where, stages = tiny_grid(tmp_path / "model", tmp_path).cells[0], workspace(tmp_path), set()
    file = tmp_path / ("model/config.json" if changed == "model" else changed)
    content = file.read_text()

    def change(_cell: Cell, event: CellEvent) -> None:
        stages.add(event.kind)
        if event.kind == stage:
            file.write_text(content + "\n")

    (failure,) = run_grid(Grid("g", (cell,)), where, on_event=change)
    assert f"{changed}' has changed while this run was trained and measured" in failure
    assert stages == ({"training", "failed"} if stage == "training" else {"training", "attacking", "failed"})
    assert where.results.find(cell) is None
    file.write_text(content)
    assert where.results.find(cell) is None and not list(where.runs.glob("reviews-*"))


def test_a_grid_has_further_tasks(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    content = {"methods": ["plain"], "tasks": ["sms_spam"], "models": [str(model_folder)], "seeds": 1}
    quick = {
        "max_steps": 1,
        "max_train_examples": 8,
        "max_test_examples": 6,
        "attack_examples": 2,
        "epsilons": [0, 0.1],
    }
    (plain,) = make_grid({**content, "defaults": quick}, "g").cells
    (cell,) = make_grid({**content, "defaults": {**quick, "transfer": ["sms_spam"]}}, "g").cells
    assert cell.content()["measure.transfer"] == ["sms_spam"]
    where = workspace(tmp_path)
    assert run_grid(Grid("further", (cell,)), where) == []
    entry = where.results.find(cell)
    assert entry is not None and where.results.find(plain) is None
    (transfer,) = entry["transfer"]
    assert (transfer["task"], transfer["test_examples"]) == ("sms_spam", 6)
    assert transfer["metrics"]["accuracy"] == pytest.approx(entry["metrics"]["accuracy"])


def test_a_run_folder_that_cannot_be_removed_leaves_its_cell_finished(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on Windows, while another process reads one of its files."""

    def refuse(_folder: Path) -> None:
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr("uegr.locked_files.remove_folder", refuse)
    where = workspace(tmp_path)
    assert run_grid(Grid("locked", grid.cells[:1]), where) == []
    assert where.results.find(grid.cells[0]) is not None
    message = [record.getMessage() for record in caplog.records if record.name == "uegr"][-1]
    assert str(where.runs) in message and "could not be removed" in message and "delete it yourself" in message


def empty_run_file(folder: Path) -> None:
    (folder / "run.json").write_text("")


def cut_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "run.json").unlink(),
        empty_run_file,
        cut_weights,
    ],
    ids=["no weights", "no run.json", "empty run.json", "cut weights"],
)
def test_a_run_that_a_kill_or_a_power_cut_has_damaged_is_trained_again(
    damage: Callable[[Path], None], grid: Grid, tmp_path: Path
) -> None:
    only, where = Grid("kept", grid.cells[:1]), replace(workspace(tmp_path), keep_models=True)
    assert run_grid(only, where) == []
    (folder,) = where.runs.glob("reviews-*")
    damage(folder)
    again, stages = replace(where, results=ResultsFile(tmp_path / "again.jsonl")), set()
    assert run_grid(only, again, on_event=lambda cell, event: stages.add(event.kind)) == []
    assert "training" in stages and again.results.find(grid.cells[0]) is not None


def test_a_signal_in_the_last_step_of_a_cell_stops_the_grid(grid: Grid, tmp_path: Path) -> None:
    stages: list[tuple[int, str]] = []

    def interrupt(cell: Cell, event: CellEvent) -> None:
        stages.append((grid.cells.index(cell), event.kind))
        if event.kind == "training" and event.done == event.total:
            os.kill(os.getpid(), signal.SIGINT)

    assert run_grid(grid, workspace(tmp_path), on_event=interrupt) == []
    assert set(stages) == {(0, "training"), (0, "interrupted")}
    stages.clear()
    run_grid(Grid("first", grid.cells[:1]), workspace(tmp_path), on_event=interrupt)
    assert set(stages) == {(0, "attacking"), (0, "done")}, "the model is not trained again"


def test_a_cell_whose_cost_was_not_measured_yet_gets_it(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    where = workspace(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        patch.setattr("uegr.runs.train.measure_cost", stopped)
        run_cell(grid.cells[0], where, lambda *_: None)
    assert run_cell(grid.cells[0], where, lambda *_: None)["cost"]["flop_ratio"] > 0
