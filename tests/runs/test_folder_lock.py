"""Two trainings that are started in one folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from support.small_runs import COST, config, weights
from uegr import UsageError
from uegr.runs.folder_lock import LOCK, only_training
from uegr.runs.harden import harden_model
from uegr.runs.train import train_run
from uegr.training.hardening_config import HardeningConfig

IN_USE = "another process trains in .*: wait until it has ended, or choose another --output_dir"
HOLD = """
import sys, time
from pathlib import Path
from uegr.runs.folder_lock import only_training
with only_training(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_training_in_the_folder_is_refused_and_the_first_goes_on(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    configuration = config(train_file, model_folder, method="plain")
    folder, refused = tmp_path / "run", []

    def start_others(step: int, total: int) -> None:
        if step == 8:  # the first checkpoint is written
            for how in ("resume", "overwrite"):
                with pytest.raises(UsageError, match=IN_USE):
                    train_run(configuration, folder, cost=COST, **{how: True})
                refused.append(how)

    train_run(configuration, folder, cost=COST, on_step=start_others)
    train_run(configuration, tmp_path / "alone", cost=COST)
    assert refused == ["resume", "overwrite"]
    assert not (folder / LOCK).exists()
    first, alone = weights(folder), weights(tmp_path / "alone")
    assert all(torch.equal(first[key], alone[key]) for key in alone)


def test_a_second_hardening_is_refused(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    configuration = HardeningConfig(texts=(str(train_file),), model=str(model_folder))
    with only_training(tmp_path / "hardened"), pytest.raises(UsageError, match=IN_USE):
        harden_model(configuration, tmp_path / "hardened")
    assert not list((tmp_path / "hardened").iterdir())


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=IN_USE), only_training(folder):
            pass
        holder.send_signal(signal.SIGKILL)
    with only_training(folder):
        assert (folder / LOCK).exists()
    assert not (folder / LOCK).exists()


def test_a_file_system_without_locks_lets_a_training_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with only_training(tmp_path / "run"):
        assert (tmp_path / "run").is_dir()
