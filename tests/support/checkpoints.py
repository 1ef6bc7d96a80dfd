"""Folders of checkpoints, and a trainer that writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from support.trainers import trainer_of
from uegr import UEGRConfig, UEGRTrainer

CONFIG = UEGRConfig(passes=1, epsilon=0.02)


def make_checkpoint(output_dir: Path, step: int, state: str | None = "{}") -> Path:
    """A folder with weights and, if given, a trainer_state.json."""
    folder = output_dir / f"checkpoint-{step}"
    folder.mkdir()
    save_file({"weight": torch.zeros(2)}, folder / "model.safetensors")
    if state is not None:
        (folder / "trainer_state.json").write_text(state)
    return folder


def saving_trainer(train_file: Path, model_folder: Path, folder: Path, **changes: Any) -> UEGRTrainer:
    """Six steps, with a checkpoint after every second."""
    saving = {"save_strategy": "steps", "save_steps": 2, "max_steps": 6}
    return trainer_of(CONFIG, train_file, model_folder, folder, **{**saving, **changes})
