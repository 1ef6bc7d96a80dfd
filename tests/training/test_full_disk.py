"""A full disk: which file, how much room, and where the training goes on."""

import errno
from pathlib import Path

import pytest

from support.trainers import trainer_of
from uegr import UEGRConfig
from uegr.errors import StoppedError
from uegr.training.full_disk import disk_errors_explained, is_full

FULL = [
    OSError(errno.ENOSPC, "No space left on device", "/runs/a/model.safetensors"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    RuntimeError("SafetensorError: Error while serializing: I/O error: No space left on device (os error 28)"),
]


@pytest.mark.parametrize("error", FULL)
def test_errors_of_a_full_disk_are_recognised(error: Exception, tmp_path: Path) -> None:
    assert is_full(error, tmp_path)


def test_a_writers_error_counts_where_the_disk_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 4416 vs 4310")
    assert not is_full(error, tmp_path)
    usage = type("Usage", (), {"free": 512})
    monkeypatch.setattr("uegr.training.full_disk.shutil.disk_usage", lambda path: usage)
    assert is_full(error, tmp_path / "not" / "there")
    assert not is_full(ValueError("another error"), tmp_path)


def test_the_sentence_names_file_room_and_checkpoint(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    message = "'/runs/a/model.safetensors' was written: make room for 6 MB, then continue with --resume from the start"
    with pytest.raises(StoppedError, match=message), disk_errors_explained(tmp_path, 2**20):
        raise FULL[0]
    saving = {"save_strategy": "steps", "save_steps": 2, "max_steps": 2}
    trainer_of(UEGRConfig(passes=1), train_file, model_folder, tmp_path, **saving).train()
    message = "checkpoint-2/.* was written: .* --resume from checkpoint-2, which is whole"
    with pytest.raises(StoppedError, match=message), disk_errors_explained(tmp_path, 2**20):
        raise FULL[2]


def test_a_file_that_is_too_large_for_the_disk_is_named(tmp_path: Path) -> None:
    """As on a FAT file system, or under ulimit -f."""
    (tmp_path / "optimizer.pt").touch()
    message = (
        r"optimizer.pt' could not be written \(.*\): see whether its disk .*, then continue with --resume from the"
    )
    for reason in (
        "[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534",
        "SafetensorError: Error while serializing: I/O error: File too large (os error 27)",
    ):
        with pytest.raises(StoppedError, match=message), disk_errors_explained(tmp_path, 1):
            raise RuntimeError(reason)


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        RuntimeError("PytorchStreamReader failed reading zip archive: inline_container.cc"),
        RuntimeError("SafetensorError: Error while deserializing header: invalid JSON"),
    ],
)
def test_other_errors_pass(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)) as caught, disk_errors_explained(tmp_path, 1):
        raise error
    assert caught.value is error
