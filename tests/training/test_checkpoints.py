"""Checkpoints: when they are written, which are kept and removed, and from which a training resumes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from support.checkpoints import CONFIG, make_checkpoint, saving_trainer
from uegr import UEGRConfig, UEGRTrainer, UsageError
from uegr.locked_files import remove_finished
from uegr.training.checkpoints import is_complete, last_complete_checkpoint, rotate


def test_folders_of_another_name_are_left_alone(tmp_path: Path) -> None:
    for name in ("checkpoint-best", "checkpoint-7.old", "run-3"):
        (tmp_path / name).mkdir()
    assert last_complete_checkpoint(tmp_path) is None
    assert len(list(tmp_path.iterdir())) == 3


def test_a_training_that_is_killed_while_it_writes_resumes_from_the_checkpoint_before(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = saving_trainer(train_file, model_folder, tmp_path / "whole")
    whole.train()
    killed = saving_trainer(train_file, model_folder, tmp_path / "killed")
    save_optimizer = UEGRTrainer._save_optimizer_and_scheduler

    def fail_at_step_4(self: UEGRTrainer, output_dir: str) -> None:
        if self.state.global_step == 4:
            raise SystemError("power cut")
        save_optimizer(self, output_dir)

    with monkeypatch.context() as patch:
        patch.setattr(UEGRTrainer, "_save_optimizer_and_scheduler", fail_at_step_4)
        with pytest.raises(SystemError):
            killed.train()
    half_written = tmp_path / "killed" / "checkpoint-4"
    assert (half_written / "model.safetensors").exists()
    assert not is_complete(half_written)

    resumed = saving_trainer(train_file, model_folder, tmp_path / "killed")
    steps: list[int] = []

    class Steps(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            steps.append(state.global_step)

    resumed.add_callback(Steps())
    resumed.train(resume_from_checkpoint=True)
    assert steps == [3, 4, 5, 6]
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in resumed.model.state_dict().items())


def test_a_checkpoint_that_is_written_again_does_not_count_until_it_is_done(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a checkpoint of the same step is there already, with its old trainer_state.json."""
    old = tmp_path / "checkpoint-2"
    tmp_path.mkdir(exist_ok=True)
    make_checkpoint(tmp_path, 2)
    seen = []
    save = UEGRTrainer._save

    def spy(self: UEGRTrainer, *args: Any, **kwargs: Any) -> None:
        seen.append(is_complete(old))
        save(self, *args, **kwargs)

    monkeypatch.setattr(UEGRTrainer, "_save", spy)
    saving_trainer(train_file, model_folder, tmp_path, max_steps=2).train()
    assert seen == [False]
    assert is_complete(old)


def test_there_must_be_a_complete_checkpoint_to_resume_from(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    make_checkpoint(tmp_path, 2, state=None)
    with pytest.raises(UsageError, match="no complete checkpoint"):
        saving_trainer(train_file, model_folder, tmp_path).train(resume_from_checkpoint=True)


def test_the_output_folder_of_the_arguments_never_changes(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []

    class Folders(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            folders.append(args.output_dir)

        on_step_end = on_save

    def recording(method: Any) -> Any:
        def call(self: UEGRTrainer, *args: Any, **kwargs: Any) -> Any:
            folders.append(self.args.output_dir)
            return method(self, *args, **kwargs)

        return call

    for name in ("save_model", "_save", "_save_optimizer_and_scheduler", "_save_rng_state", "_rotate_checkpoints"):
        if hasattr(UEGRTrainer, name):
            monkeypatch.setattr(UEGRTrainer, name, recording(getattr(UEGRTrainer, name)))
    saving = saving_trainer(train_file, model_folder, tmp_path)
    saving.add_callback(Folders())
    saving.train()
    assert len(folders) >= 3 * 3 + 6
    assert set(folders) == {str(tmp_path)}


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [(1, ["checkpoint-2"]), (2, ["checkpoint-2", "checkpoint-6"])],  # the best, and the newest
)
def test_the_best_checkpoint_is_kept_and_loaded(
    limit: int,
    remaining: list[str],
    train_file: Path,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first of three checkpoints has the lowest evaluation loss here, so that it is the oldest."""
    losses = iter([0.1, 0.3, 0.2])
    best_weights: dict[str, torch.Tensor] = {}

    def evaluate(self: UEGRTrainer, *args: Any, **kwargs: Any) -> dict[str, float]:
        if not best_weights:
            best_weights.update({key: value.clone() for key, value in self.model.state_dict().items()})
        metrics = {"eval_loss": next(losses)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    monkeypatch.setattr(UEGRTrainer, "evaluate", evaluate)
    best = saving_trainer(
        train_file,
        model_folder,
        tmp_path,
        eval_strategy="steps",
        eval_steps=2,
        load_best_model_at_end=True,
        save_total_limit=limit,
    )
    best.train()
    folder = tmp_path / "checkpoint-2"
    assert best.state.best_model_checkpoint == str(folder)
    assert is_complete(folder)
    saved = load_file(folder / "model.safetensors")
    for key, value in best_weights.items():
        assert torch.equal(saved[key], value)
        assert torch.equal(best.model.state_dict()[key], value), "the model at the end is the best one"
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == remaining


def test_a_trial_of_a_hyperparameter_search_writes_into_its_own_folder(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run-3"
    folder.mkdir()
    old = make_checkpoint(folder, 2)
    seen = []
    save = UEGRTrainer._save

    def spy(self: UEGRTrainer, *args: Any, **kwargs: Any) -> None:
        seen.append(is_complete(old))
        save(self, *args, **kwargs)

    monkeypatch.setattr(UEGRTrainer, "_save", spy)
    monkeypatch.setattr(UEGRTrainer, "_get_output_dir", lambda self, trial: str(folder))
    saving_trainer(train_file, model_folder, tmp_path, max_steps=4).train()
    assert last_complete_checkpoint(folder) == str(folder / "checkpoint-4")
    assert not list(tmp_path.glob("checkpoint-*"))
    assert seen == [False, True], "the old checkpoint of the trial does not count while it is written again"
    assert UEGRConfig.from_pretrained(folder / "checkpoint-4") == CONFIG


def test_every_checkpoint_and_every_saved_model_holds_the_configuration(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    saving = saving_trainer(train_file, model_folder, tmp_path)
    saving.train()
    saving.save_model(str(tmp_path / "final"))
    folders = [*tmp_path.glob("checkpoint-*"), tmp_path / "final"]
    assert len(folders) == 4
    for folder in folders:
        assert UEGRConfig.from_pretrained(folder) == CONFIG
        assert json.loads((folder / "method_config.json").read_text())["method"] == "uegr"


def test_a_kill_while_a_checkpoint_is_removed_leaves_no_half_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make_checkpoint(tmp_path, 2), make_checkpoint(tmp_path, 4)

    def killed(*args: Any, **kwargs: Any) -> None:
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("uegr.locked_files.shutil.rmtree", lambda path, **_: None if not path.exists() else killed())
        with pytest.raises(SystemError):
            remove_finished(old)
    assert not old.exists()
    assert last_complete_checkpoint(tmp_path) == str(new)
    assert [folder.name for folder in tmp_path.iterdir()] == ["checkpoint-4"]


def test_rotation_keeps_the_last_and_the_best(tmp_path: Path) -> None:
    folders = [make_checkpoint(tmp_path, step) for step in (2, 4, 6, 10)]
    rotate(tmp_path, None, newest=folders[-1], best=None)
    assert all(folder.exists() for folder in folders)
    rotate(tmp_path, 2, newest=folders[-1], best=str(folders[0]))
    assert [folder.exists() for folder in folders] == [True, False, False, True]
    rotate(tmp_path, 1, newest=folders[-1], best=None)
    assert [folder.exists() for folder in folders] == [False, False, False, True]


def test_checkpoints_of_an_earlier_training_are_the_oldest_whatever_their_step(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    """A damaged one too: the checkpoint just written must never be the one that is removed."""
    damaged = make_checkpoint(tmp_path, 100)
    (damaged / "trainer_state.json").write_text("")
    for age, folder in ((30, damaged), (20, make_checkpoint(tmp_path, 90))):
        os.utime(folder, times=(time.time() - age,) * 2)
    saving_trainer(train_file, model_folder, tmp_path, save_steps=2, save_total_limit=2).train()
    assert sorted(folder.name for folder in tmp_path.glob("checkpoint-*")) == ["checkpoint-4", "checkpoint-6"]


def test_the_saved_arguments_have_the_users_limit(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    started = saving_trainer(train_file, model_folder, tmp_path, save_total_limit=1)
    started.train()
    saved = torch.load(tmp_path / "checkpoint-6" / "training_args.bin", weights_only=False)
    assert saved.save_total_limit == started.args.save_total_limit == 1
    assert [folder.name for folder in tmp_path.glob("*checkpoint*")] == ["checkpoint-6"]
