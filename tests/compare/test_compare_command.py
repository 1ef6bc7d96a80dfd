"""uegr compare, with a grid."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import error_of, run
from support.compare_samples import tiny_grid, workspace
from support.sample_runs import RUN


def test_grids_on_the_command_line(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, where = tiny_grid(model_folder, tmp_path), workspace(tmp_path)
    for cell in grid.cells:
        where.results.enter(cell, {**RUN, "metrics": {"accuracy": 0.9}})
    monkeypatch.setattr("uegr.compare.grid.read_grid", lambda path: grid)
    folders = ["--results", str(where.results.path), "--runs_dir", str(where.runs)]
    assert run(["compare", "grid.yaml", *folders]) == 0
    assert "90.0 ± 0.0" in capsys.readouterr().out
    for wrong, message in ((["--jobs", "0"], "at least 1"), (["--engine", "slurm"], "choose one of local, ray")):
        assert run(["compare", "grid.yaml", *folders, *wrong]) == 2
        assert message in capsys.readouterr().err
    assert run(["compare", "grid.yaml", "runs/one"]) == 2
    assert "a grid is run alone" in capsys.readouterr().err


def test_data_without_the_column_of_a_grid_is_one_sentence_before_anything_runs(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("text,label\ngood,1\nbad,0\n")
    (tmp_path / "g.yaml").write_text(
        f"methods: [plain]\nseeds: 2\nmodels: [{model_folder}]\n"
        f"tasks: [{{name: mine, train_file: {tmp_path / 'a.csv'}, label_column: topic}}]\n"
    )
    results = tmp_path / "g.jsonl"
    folders = ["--results", str(results), "--runs_dir", str(tmp_path / "runs")]
    assert run(["compare", str(tmp_path / "g.yaml"), *folders]) == 2
    assert "has no column 'topic'" in capsys.readouterr().err
    assert not results.exists() and not (tmp_path / "runs").exists()


def test_a_grid_that_was_stopped_says_how_to_continue(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uegr.compare.grid.read_grid", lambda path: tiny_grid(model_folder, tmp_path))
    monkeypatch.setattr("uegr.compare.grid_runner.run_grid", stopped)
    folders = ["--results", str(tmp_path / "r.jsonl"), "--runs_dir", str(tmp_path / "runs")]
    error = error_of(capsys, ["compare", "grid.yaml", *folders], code=1)
    assert error == "uegr: stopped with 4 runs left: run the same command again to continue.\n"
