"""Files that another process has open, as on Windows."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from uegr.atomic_files import write_text
from uegr.locked_files import REMOVED, remove_finished, remove_folder, when_released


class Locked:
    """Refuses a change for some calls, as Windows does, and then makes it."""

    def __init__(self, change: object, refusals: int) -> None:
        self.change, self.refusals, self.calls = change, refusals, 0

    def __call__(self, *arguments: object, **options: object) -> object:
        self.calls += 1
        if self.calls <= self.refusals:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        return self.change(*arguments, **options)  # type: ignore[operator]


def test_a_file_that_is_read_for_a_moment_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Locked(os.replace, refusals=2)
    monkeypatch.setattr("os.replace", replace)
    (tmp_path / "results.json").write_text("former")
    write_text(tmp_path / "results.json", "new")
    assert replace.calls == 3 and (tmp_path / "results.json").read_text() == "new"


def test_an_error_that_stays_is_raised_within_some_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.replace", Locked(os.replace, refusals=100))
    start = time.monotonic()
    with pytest.raises(PermissionError):
        write_text(tmp_path / "results.json", "new")
    assert 0.9 < time.monotonic() - start < 5
    assert not list(tmp_path.iterdir()), "the temporary file is removed"


def test_another_error_is_raised_at_once() -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError):
        when_released(fail)
    assert len(calls) == 1


def test_a_folder_with_an_open_file_is_removed_once_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").touch()
    monkeypatch.setattr("os.rmdir", Locked(os.rmdir, refusals=1))
    remove_folder(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_kill_while_a_folder_is_removed_leaves_no_half_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, **_: object) -> None:
        if path.exists():
            raise SystemError("killed")

    (tmp_path / "run").mkdir()
    with monkeypatch.context() as patch, pytest.raises(SystemError):
        patch.setattr("shutil.rmtree", killed)
        remove_finished(tmp_path / "run")
    (rest,) = tmp_path.iterdir()
    assert rest.name == f"{REMOVED}run"
    remove_finished(rest)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_of_a_link_only_the_link_is_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "shared")
    for name in ("run", "missing"):
        remove_finished(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["shared"] and not caplog.text
