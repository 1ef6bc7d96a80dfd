"""The three doors run the same code: the weights that they leave agree to the last bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from support.command_line import train_weights
from support.trainers import train_in_own_loop, trainer_of
from uegr import METHODS, make_config


@pytest.mark.parametrize("name", METHODS)
def test_doors_agree_to_the_last_bit(name: str, train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    trainer = trainer_of(make_config(name), train_file, model_folder, tmp_path / "trainer")
    trainer.train()
    weights_of_door = {
        "own loop": train_in_own_loop(name, train_file, model_folder),
        "trainer": trainer.model.state_dict(),
        "command line": train_weights(name, train_file, model_folder, tmp_path / "run"),
    }
    for key, value in weights_of_door["own loop"].items():
        for door, weights in weights_of_door.items():
            assert torch.equal(weights[key], value), f"{door} differs in {key}"
