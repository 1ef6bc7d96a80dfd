from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from support.compare_samples import tiny_grid
from uegr.compare.cell_content import address
from uegr.compare.grid import make_grid
from uegr.compare.grid_runner import run_grid
from uegr.compare.result_slot import read_slots
from uegr.compare.results_file import ResultsFile
from uegr.compare.workspace import Workspace
from uegr.errors import UsageError
from uegr.methods.method_lookup import config_class


def test_a_method_that_was_changed_in_its_code_is_run_again_and_no_other(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results_file = ResultsFile(tmp_path / "results.jsonl")
    plain, uegr = tiny_grid(model_folder, tmp_path).cells[:2]
    for cell in (plain, uegr):
        results_file.enter(cell, {"metrics": {}})
    monkeypatch.setattr(config_class("uegr"), "revision", config_class("uegr").revision + 1)
    assert results_file.find(uegr) is None
    assert results_file.find(plain) == {"metrics": {}}


def test_a_file_that_was_rewritten_is_other_data(model_folder: Path, tmp_path: Path) -> None:
    cell, results_file = tiny_grid(model_folder, tmp_path).cells[0], ResultsFile(tmp_path / "results.jsonl")
    results_file.enter(cell, {"cost": {}})
    assert results_file.find(cell) is not None
    file = Path(str(cell.config.data.train_file))
    file.write_text(file.read_text().replace("good", "bad", 1) + "\n")
    assert results_file.find(cell) is None
    file.unlink()
    with pytest.raises(UsageError, match="there is no file"):
        results_file.find(cell)


def test_a_model_folder_that_was_written_again_is_another_model(model_folder: Path, tmp_path: Path) -> None:
    """Hardening again into the same folder, for example; notes and results in the folder do not count."""
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    cell, results_file = tiny_grid(folder, tmp_path).cells[0], ResultsFile(tmp_path / "results.jsonl")
    results_file.enter(cell, {"cost": {}})
    (folder / "README.md").write_text("A note.")
    assert results_file.find(cell) is not None
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"hidden_act": "gelu"', '"hidden_act": "relu"'))
    assert results_file.find(cell) is None
    shutil.rmtree(folder)
    assert results_file.find(cell) is not None, "a machine that has the results only reads them"


def test_the_same_files_and_model_under_other_paths_are_the_same_cell(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    cell, results_file = tiny_grid(tmp_path / "model", tmp_path).cells[0], ResultsFile(tmp_path / "results.jsonl")
    results_file.enter(cell, {"cost": {}, "metrics": {}})
    monkeypatch.chdir(tmp_path)
    shutil.copytree("model", "copy")
    shutil.copy("reviews.csv", "copy.csv")
    for file, model in (("reviews.csv", "model"), ("./reviews.csv", "./model"), ("copy.csv", "copy")):
        config = replace(cell.config, data=replace(cell.config.data, train_file=file), model=model)
        other = replace(cell, config=config)
        assert results_file.find(other) is not None, (file, model)
        assert address(other.content()) == address(cell.content())
        results_file.reserve([other])
        assert len(read_slots(results_file.path)) == 1, "nothing to run, and no second line"
    Path("copy.csv").write_text("text,label\nanother,1\n")
    assert results_file.find(other) is None and address(other.content()) != address(cell.content())


def test_models_by_environment_keep_paths_out_of_the_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = {"methods": ["plain"], "tasks": ["rotten_tomatoes"], "seeds": 1, "models": ["$SOME_MODELS/tiny"]}
    monkeypatch.setenv("SOME_MODELS", str(tmp_path))
    cell = make_grid(content, "g").cells[0]
    assert cell.model == "tiny"
    assert str(tmp_path) not in str(cell.content())
    monkeypatch.delenv("SOME_MODELS")
    with pytest.raises(UsageError, match="set it to a folder"):
        run_grid(make_grid(content, "g"), Workspace(ResultsFile(tmp_path / "results.jsonl"), tmp_path))
    assert not (tmp_path / "results.jsonl").exists()


def test_label_is_a_file_name() -> None:
    grid = make_grid({"methods": [{"name": "k 1, / x", "method": "uegr"}], "tasks": ["sst2"], "seeds": [3]}, "g")
    assert grid.cells[0].label == "sst2-all-MiniLM-L6-v2-k_1,_x-3"
