"""Trainings that were stopped, by a signal or a crash, and go on."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from support.small_runs import COST, config, weights
from uegr import TrainingError, UsageError
from uegr.errors import StoppedError
from uegr.runs import train as train_module
from uegr.runs.run_folder import read_run
from uegr.runs.train import train_run
from uegr.runs.training_folder import prepare_run
from uegr.training.stop_on_signal import StopOnSignal


def interrupt_at(last_step: int, step: int, total: int) -> None:
    if step == last_step:
        os.kill(os.getpid(), signal.SIGINT)


def record(steps: list[int], step: int, total: int) -> None:
    steps.append(step)


@pytest.mark.parametrize("options", [{}, {"mask_mode": "frozen", "checkpoint_passes": True}])
def test_interrupted_run_resumes_to_the_same_weights(
    options: dict[str, Any], train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    """Ctrl-C in the first and in the second epoch; the parameters are ranked again before and after each."""
    configuration = config(train_file, model_folder, options={"refresh": 2, **options})
    train_run(configuration, tmp_path / "whole", cost=COST)
    whole = weights(tmp_path / "whole")
    for last_step in (3, 11):
        folder = tmp_path / f"cut-{last_step}"

        with pytest.raises(TrainingError, match=rf"stopped after step {last_step} of 14.*--resume"):
            train_run(configuration, folder, cost=COST, on_step=partial(interrupt_at, last_step))
        with pytest.raises(UsageError, match="--resume"):
            train_run(configuration, folder)
        resumed: list[int] = []
        train_run(configuration, folder, resume=True, cost=COST, on_step=partial(record, resumed))
        assert resumed[0] == last_step + 1
        cut = weights(folder)
        assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_the_time_before_an_interruption_counts(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uegr.training.train_to_end.monotonic", itertools.count(step=1000).__next__)
    configuration, folder = config(train_file, model_folder), tmp_path / "cut"
    with pytest.raises(TrainingError, match="stopped after step 3"):
        train_run(configuration, folder, cost=COST, on_step=partial(interrupt_at, 3))
    assert train_run(configuration, folder, resume=True, cost=COST)["cost"]["seconds"] > 1000


def test_a_resumed_run_keeps_its_precision(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The measurement by which `auto` decides may come out otherwise in another process."""
    configuration, folder = config(train_file, model_folder, precision="auto"), tmp_path / "cut"
    monkeypatch.setattr("uegr.training.precision.bf16_time_ratio", lambda model: 0.5)
    with pytest.raises(TrainingError, match="stopped after step 3"):
        train_run(configuration, folder, cost=COST, on_step=partial(interrupt_at, 3))
    monkeypatch.setattr("uegr.training.precision.bf16_time_ratio", lambda model: 1.5)
    assert train_run(configuration, folder, resume=True, cost=COST)["precision"] == "bf16"


def test_a_checkpoint_without_a_time_is_continued(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    configuration, folder = config(train_file, model_folder), tmp_path / "cut"
    with pytest.raises(TrainingError, match="stopped after step 3"):
        train_run(configuration, folder, cost=COST, on_step=partial(interrupt_at, 3))
    path = folder / "checkpoint-3" / "trainer_state.json"
    state = json.loads(path.read_text())
    del state["stateful_callbacks"]["TimeCallback"]
    path.write_text(json.dumps(state))
    assert train_run(configuration, folder, resume=True, cost=COST)["cost"]["seconds"] < 1000


def test_killed_run_resumes_from_its_last_epoch(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    configuration = config(train_file, model_folder)
    train_run(configuration, tmp_path / "whole")

    def crash(step: int, total: int) -> None:
        if step == 10:
            raise SystemError("power cut")

    with pytest.raises(SystemError):
        train_run(configuration, tmp_path / "cut", on_step=crash)
    train_run(configuration, tmp_path / "cut", resume=True)
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_resume_with_other_data_is_refused(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    configuration = config(train_file, model_folder, max_steps=2)
    prepare_run(
        tmp_path / "run",
        asdict(configuration),
        resume=False,
        overwrite=False,
        precision="fp32",
        data_files=[str(train_file)],
    )
    train_file.write_text(train_file.read_text() + "a new film,1\n")
    with pytest.raises(UsageError, match="has changed since the training began: restore it, or start over"):
        train_run(configuration, tmp_path / "run", resume=True)


def test_resume_from_another_model_in_the_same_folder_is_refused(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    model, folder = tmp_path / "model", tmp_path / "cut"
    shutil.copytree(model_folder, model)
    configuration = config(train_file, model)
    with pytest.raises(TrainingError, match="stopped after step 3"):
        train_run(configuration, folder, cost=COST, on_step=partial(interrupt_at, 3))
    settings = (model / "config.json").read_text()
    (model / "config.json").write_text(settings.replace('"hidden_act": "gelu"', '"hidden_act": "relu"'))
    with pytest.raises(UsageError, match="model' has changed since the training began: restore it, or start over"):
        train_run(configuration, folder, resume=True, cost=COST)
    (model / "config.json").write_text(settings)
    train_run(configuration, folder, resume=True, cost=COST)
    assert list(read_run(folder)["model_folder"]) == [str(model)]


def test_a_resumed_run_stops_early_at_the_same_step(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """With a learning rate of 0 nothing improves after the first evaluation, at step 2; patience ends at step 8."""
    options = {"learning_rate": 0.0, "save_steps": 2, "early_stopping_patience": 3, "epochs": 4}
    configuration = config(train_file, model_folder, method="plain", **options)
    whole: list[int] = []
    train_run(configuration, tmp_path / "whole", cost=COST, on_step=partial(record, whole))
    with pytest.raises(TrainingError, match="stopped after step 5"):
        train_run(configuration, tmp_path / "cut", cost=COST, on_step=partial(interrupt_at, 5))
    resumed: list[int] = []
    train_run(configuration, tmp_path / "cut", resume=True, cost=COST, on_step=partial(record, resumed))
    assert whole[-1] == resumed[-1] == 8


@pytest.mark.parametrize(
    "options",
    [
        {"max_steps": 5, "training_arguments": {"lr_scheduler_type": "constant"}},
        {"save_steps": 2, "early_stopping_patience": 1, "epochs": 4, "learning_rate": 0.0},
    ],
)
def test_a_run_killed_after_its_last_checkpoint_makes_no_further_step(
    options: dict[str, Any], train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps are made, or the patience is spent, and the folder is moved before the run goes on."""
    configuration = config(train_file, model_folder, method="plain", **options)
    train_run(configuration, tmp_path / "whole", cost=COST)

    def crash(*_: Any, **__: Any) -> None:
        raise SystemError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(train_module, "finish_run", crash)
        with pytest.raises(SystemError):
            train_run(configuration, tmp_path / "cut", cost=COST)
    (tmp_path / "cut").rename(tmp_path / "moved")
    resumed: list[int] = []
    train_run(configuration, tmp_path / "moved", resume=True, cost=COST, on_step=partial(record, resumed))
    assert resumed == []
    whole, moved = weights(tmp_path / "whole"), weights(tmp_path / "moved")
    assert all(torch.equal(whole[key], moved[key]) for key in whole)


def test_resume_with_other_options_is_refused(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    def stop(step: int, total: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingError):
        train_run(config(train_file, model_folder), tmp_path / "run", cost=COST, on_step=stop)
    with pytest.raises(UsageError, match="another learning_rate"):
        train_run(config(train_file, model_folder, learning_rate=1.0), tmp_path / "run", resume=True)


def test_a_signal_in_the_last_step_lets_the_run_finish_and_is_noted(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    configuration, stop = config(train_file, model_folder), StopOnSignal()
    train_run(configuration, tmp_path / "run", cost=COST, on_step=partial(interrupt_at, 14), stop=stop)
    assert read_run(tmp_path / "run")["finished"]
    with pytest.raises(StoppedError, match="stopped after its last step"):
        stop.raise_if_requested()


@pytest.mark.parametrize("lora_r", [None, 2])
def test_the_cost_of_a_step_is_measured_again_where_that_was_stopped(
    lora_r: int | None, train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration, folder = config(train_file, model_folder, lora_r=lora_r), tmp_path / "run"

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(StoppedError, match="stopped at once: .* --resume, in"):
        patch.setattr(train_module, "measure_cost", stopped)
        train_run(configuration, folder)
    resumed: list[int] = []
    run = train_run(configuration, folder, resume=True, on_step=partial(record, resumed))
    assert resumed == [] and run["cost"]["flop_ratio"] > 1 and run["cost"]["seconds"] > 0
    assert read_run(folder) == {**read_run(folder), "finished": True, "cost": run["cost"]}
    assert not list(folder.glob("checkpoint-*"))


def test_a_measurement_that_kills_the_process_is_tried_again_once(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system ends a process that needs more memory than there is."""
    configuration, folder = config(train_file, model_folder, method="plain", max_steps=2), tmp_path / "run"

    def killed(*_: object, **__: object) -> None:
        raise SystemError("killed")

    monkeypatch.setattr(train_module, "measure_cost", killed)
    for _ in range(2):
        with pytest.raises(SystemError):
            train_run(configuration, folder, resume=True)
    with pytest.raises(UsageError, match="finished run"):
        train_run(configuration, folder, resume=True)


def test_a_run_that_was_stopped_while_it_was_written_is_continued(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration, folder = config(train_file, model_folder, method="plain", max_steps=2), tmp_path / "run"

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for step in ("finish_run", "remove_checkpoints"):
        with monkeypatch.context() as patch, pytest.raises(StoppedError, match="stopped at once"):
            patch.setattr(train_module, step, stopped)
            train_run(configuration, folder, resume=True, cost=COST)
    assert list(folder.glob("checkpoint-*"))
    train_run(configuration, folder, resume=True, cost=COST)
    assert read_run(folder)["finished"] and not list(folder.glob("checkpoint-*"))
