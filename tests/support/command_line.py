"""Run the command line in this process, and train a small model with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from uegr.cli.main import main
from uegr.modeling.model_loading import load_trained

SEED, BATCH, EPOCHS, RATE = 5, 8, 2, 1e-2
Weights = dict[str, torch.Tensor]


def run(arguments: list[str]) -> int:
    """Run `uegr` with these arguments and return its exit code."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr("sys.argv", ["uegr", *arguments])
        main()
    return int(stop.value.code or 0)


def error_of(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 2) -> str:
    """Return the single line on stderr of a command that fails with this exit code and without a traceback."""
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.count("\n") == 1, error
    return error


def train_weights(name: str, train_file: Path, model_folder: Path, folder: Path, *more: str) -> Weights:
    """Train with `uegr train` and return the weights of the run."""
    arguments = {
        "train_file": train_file,
        "model_name_or_path": model_folder,
        "method": name,
        "seed": SEED,
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "learning_rate": RATE,
        "precision": "fp32",
        "output_dir": folder,
    }
    run(["train", *(part for key, value in arguments.items() for part in (f"--{key}", str(value))), *more])
    return load_trained(folder).state_dict()


def entry_of(folder: Path) -> dict[str, Any]:
    """Return the entry of a run in its results.json."""
    entry: dict[str, Any] = json.loads((folder / "results.json").read_text())["runs"][0]
    return entry
