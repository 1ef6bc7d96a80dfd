"""Files of grids and what they refer to."""

from __future__ import annotations

from pathlib import Path

import pytest

from uegr.compare.grid import read_grid
from uegr.errors import UsageError


def test_files_are_read_with_their_name_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    with pytest.raises(UsageError, match="there is no file"):
        read_grid(path)
    path.write_bytes(b"methods: [\xff]\n")
    with pytest.raises(UsageError, match="is not valid YAML in UTF-8"):
        read_grid(path)
    path.write_text("methods: [plain\n")
    with pytest.raises(UsageError, match="is not valid YAML"):
        read_grid(path)
    path.write_text("methods: [plain]\ntasks: [rotten_tomatoes]\n")
    with pytest.raises(UsageError, match=r"mine\.yaml.*has no 'seeds'"):
        read_grid(path)
    path.write_text(path.read_text() + "seeds: 1\ndefaults: {learning_rate: 1e-4}\n")
    assert read_grid(path).cells[0].config.learning_rate == 1e-4
    assert read_grid(path).name == "mine"


def test_a_base_fills_the_keys_that_the_grid_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text("name: shared\nmodels: [textcnn]\ndefaults: {epochs: 9, batch_size: 4}\n")
    (tmp_path / "second.yaml").write_text("base: first.yaml\ndefaults: {epochs: 2, attack_steps: 3}\n")
    own = "base: second.yaml\nmethods: [plain]\ntasks: [sst2]\nseeds: 1\ndefaults: {attack_steps: 7}\n"
    (tmp_path / "grid.yaml").write_text(own)
    grid = read_grid(tmp_path / "grid.yaml")
    (cell,) = grid.cells
    assert (grid.name, cell.model, cell.config.epochs, cell.config.batch_size) == ("shared", "textcnn", 2, 4)
    assert cell.measurement.attack_steps == 7
    (tmp_path / "first.yaml").write_text("base: second.yaml\n")
    with pytest.raises(UsageError, match=r"second\.yaml' is a base of itself"):
        read_grid(tmp_path / "grid.yaml")
    (tmp_path / "first.yaml").write_text("- plain\n")
    with pytest.raises(UsageError, match=r"'first\.yaml', the base, must be a mapping"):
        read_grid(tmp_path / "grid.yaml")


def test_methods_of_a_tuning_are_taken_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text("methods:\n- {name: uegr, method: uegr, learning_rate: 2e-4, options: {}}\n")
    (tmp_path / "grid.yaml").write_text("methods: tuned.yaml\ntasks: [rotten_tomatoes]\nseeds: 1\n")
    (cell,) = read_grid(tmp_path / "grid.yaml").cells
    assert (cell.method, cell.config.learning_rate) == ("uegr", 2e-4)
    (tmp_path / "folder").mkdir()
    by_task = "tasks: [trec, sst2]\nmethods: [uegr]\nseeds: 1\ntuned: {../tuned.yaml: [trec]}\n"
    (tmp_path / "folder" / "base.yaml").write_text(by_task)
    (tmp_path / "more.yaml").write_text("base: folder/base.yaml\n")
    rates = {cell.task: cell.config.learning_rate for cell in read_grid(tmp_path / "more.yaml").cells}
    assert rates == {"trec": 2e-4, "sst2": 1e-4}
    (tmp_path / "more.yaml").write_text("base: folder/base.yaml\ntuned: {}\n")
    assert {cell.config.learning_rate for cell in read_grid(tmp_path / "more.yaml").cells} == {1e-4}
    (tmp_path / "more.yaml").write_text("base: folder/base.yaml\ntuned: {tuned.yaml: trec}\n")
    with pytest.raises(UsageError, match="name the tasks of 'tuned.yaml' in a list"):
        read_grid(tmp_path / "more.yaml")
    (tmp_path / "tuned.yaml").write_text("trials: 3\n")
    with pytest.raises(UsageError, match=r"grid\.yaml'.*holds no 'methods'"):
        read_grid(tmp_path / "grid.yaml")
