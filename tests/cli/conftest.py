"""A run that the tests of several commands need."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import run, train_weights


@pytest.fixture
def evaluated_run(train_file: Path, model_folder: Path, tmp_path: Path) -> Path:
    """The folder of a run that was trained and evaluated by the commands."""
    folder = tmp_path / "run"
    train_weights("plain", train_file, model_folder, folder)
    assert run(["evaluate", str(folder), "--epsilons", "0,0.05", "--attack_steps", "1", "--attack_restarts", "1"]) == 0
    return folder
