"""A checkpoint that is damaged, half written or of unknown origin is refused by name, and runs nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from support.checkpoints import make_checkpoint, saving_trainer
from uegr import UsageError
from uegr.training.checkpoints import check_complete, is_complete, last_complete_checkpoint


@pytest.mark.parametrize("state", [None, "", '{"global_step": 1', b"\xff\xfe"])
def test_a_half_written_checkpoint_is_passed_over_and_removed(state: Any, tmp_path: Path) -> None:
    complete = make_checkpoint(tmp_path, 9)
    make_checkpoint(tmp_path, 5)
    half_written = make_checkpoint(tmp_path, 10, None if isinstance(state, bytes) else state)
    if isinstance(state, bytes):
        (half_written / "trainer_state.json").write_bytes(state)
    assert not is_complete(half_written)
    assert last_complete_checkpoint(tmp_path) == str(complete)
    assert half_written.exists() == isinstance(state, (str, bytes)), "what has a state is named, and left"
    assert (tmp_path / "checkpoint-5").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"cut", "model.safetensors' is damaged or cut off"),
        ("optimizer.pt", b"PK\x03\x04 cut", "optimizer.pt' is damaged or cut off"),
        ("scheduler.pt", b"", "scheduler.pt' is damaged or cut off"),
        ("rng_state.pth", b"PK", "rng_state.pth' is damaged or cut off"),
        ("config.json", b"{", "config.json' is not valid JSON"),
        ("trainer_state.json", b"[1]", "trainer_state.json' holds no object"),
        ("trainer_state.json", b"{", "trainer_state.json' is missing or cut off"),
        ("trainer_state.json", b"[" * 50_000, "trainer_state.json' is missing or cut off"),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_name_and_passed_over(
    name: str, content: bytes, message: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before, damaged = make_checkpoint(tmp_path, 2), make_checkpoint(tmp_path, 4)
    (damaged / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"{message}.*; resume from checkpoint-2"):
        check_complete(damaged)
    assert last_complete_checkpoint(tmp_path) == str(before)
    assert "checkpoint-4 is skipped: " in caplog.text and name in caplog.text


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_a_checkpoint_without_a_part_of_its_state_is_not_resumed(
    name: str, train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    """The Trainer would go on without it, with other numbers: a copy of the folder was not finished."""
    saving_trainer(train_file, model_folder, tmp_path, max_steps=4, save_steps=2).train()
    assert last_complete_checkpoint(tmp_path) == str(tmp_path / "checkpoint-4")
    (tmp_path / "checkpoint-4" / name).unlink()
    with pytest.raises(UsageError, match=f"holds no {name}; resume from checkpoint-2"):
        check_complete(tmp_path / "checkpoint-4")


class Executed:
    """A pickle of it writes a file when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"])
def test_a_pickle_in_a_checkpoint_runs_nothing(name: str, train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    saving_trainer(train_file, model_folder, tmp_path, max_steps=2, save_steps=2).train()
    checkpoint = tmp_path / "checkpoint-2"
    torch.save(Executed(tmp_path / "ran"), checkpoint / name)
    resumed = saving_trainer(train_file, model_folder, tmp_path, max_steps=4)
    if name == "training_args.bin":  # which nobody reads
        resumed.train(resume_from_checkpoint=str(checkpoint))
    else:
        with pytest.raises(UsageError, match="checkpoint-2' holds a pickle of objects that no training writes"):
            resumed.train(resume_from_checkpoint=str(checkpoint))
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_without_weights_is_not_whole(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, 2)
    (folder / "model.safetensors").unlink()
    assert not is_complete(folder)


def test_moments_of_another_shape_are_refused(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """A fused AdamW would read beyond their end."""
    saving_trainer(train_file, model_folder, tmp_path, max_steps=2).train()
    file = tmp_path / "checkpoint-2" / "optimizer.pt"
    state = torch.load(file, weights_only=False)
    state["state"][0]["exp_avg"] = torch.zeros(3)
    torch.save(state, file)
    with pytest.raises(UsageError, match=r"exp_avg of parameter 0 has shape \(3,\) and the parameter .* of another"):
        saving_trainer(train_file, model_folder, tmp_path).train(resume_from_checkpoint=str(file.parent))
