"""Runs on a file of reviews that take seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from uegr.data.data_source import DataSource
from uegr.training.run_config import RunConfig

COST = {"flop_ratio": 1.0, "time_ratio": 1.0}
"""Given to a training, it measures none."""


def config(train_file: Path, model_folder: Path, **changes: Any) -> RunConfig:
    """The configuration of a run of two epochs."""
    return RunConfig(
        **{
            "data": DataSource(train_file=str(train_file)),
            "model": str(model_folder),
            "batch_size": 8,
            "epochs": 2,
            "learning_rate": 1e-2,
            "precision": "fp32",
            **changes,
        }
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a finished run."""
    return load_file(folder / "model.safetensors")
