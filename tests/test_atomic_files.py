"""Files that are replaced as a whole."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from uegr.atomic_files import replacement, write_text


def test_two_writers_of_one_file_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    """Also where their process ids are equal, as in two containers with one volume."""
    path = tmp_path / "results.json"
    with replacement(path) as first, replacement(path) as second:
        first.write("first")
        second.write("the second")
    assert path.read_text() == "first", "that of the writer who ended last"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError) as refused:
        write_text(tmp_path / "results.json", "text")
    assert refused.value.filename == str(tmp_path / "results.json")


def test_after_an_error_the_former_file_stays_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_text(path, "former")
    with pytest.raises(RuntimeError), replacement(path) as opened:
        opened.write("new")
        raise RuntimeError
    assert path.read_text() == "former" and list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_the_former_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    fsync = os.fsync

    def watched(number: int) -> None:
        fsync(number)
        synced.append(os.fstat(number).st_size)
        assert path.read_text() == "former"

    path = tmp_path / "results.json"
    write_text(path, "former")
    monkeypatch.setattr(os, "fsync", watched)
    write_text(path, "the new")
    assert synced == [len("the new")] and path.read_text() == "the new"


@pytest.mark.parametrize(("error", "is_raised"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_a_file_system_that_cannot_wait_for_the_disk_is_written_to(
    error: int, is_raised: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_number: int) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError) if is_raised else nullcontext():
        write_text(tmp_path / "results.json", "text")
    assert (tmp_path / "results.json").exists() != is_raised


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    for name in ("a" * 255, "é" * 127):
        write_text(tmp_path / name, "text")
        assert (tmp_path / name).read_text() == "text"


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    former = os.umask(0o022)
    try:
        write_text(tmp_path / "results.json", "text")
    finally:
        os.umask(former)
    assert (tmp_path / "results.json").stat().st_mode & 0o777 == 0o644


def test_a_file_keeps_its_permissions_and_a_link_its_target(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    path, link = tmp_path / "shared" / "results.json", tmp_path / "results.json"
    write_text(path, "former")
    path.chmod(0o600)
    link.symlink_to(path)
    write_text(link, "new")
    assert link.is_symlink() and path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text(tmp_path / "pipe", "text")
    assert os.read(reading, 9) == b"text" and not (tmp_path / "pipe").is_file()
    os.close(reading)


@pytest.mark.skipif(os.name == "nt", reason="POSIX devices")
def test_the_file_of_a_standard_stream_keeps_what_is_in_it(tmp_path: Path) -> None:
    with (tmp_path / "log.txt").open("a") as log:
        log.write("before ")
        log.flush()
        write_text(Path(f"/dev/fd/{log.fileno()}"), "text")
        log.write(" after")
    assert (tmp_path / "log.txt").read_text() == "before text after"


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no folder in memory")
def test_a_file_in_memory_is_replaced() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for text in ("former", "new"):
            write_text(Path(folder) / "results.json", text)
        assert (Path(folder) / "results.json").read_text() == "new"


def test_an_error_that_is_not_of_the_system_stays(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"^the texts are damaged$"), replacement(tmp_path / "results.json"):
        raise OSError("the texts are damaged")


def test_an_error_while_writing_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as full, replacement(tmp_path / "results.json"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(full.value) == f"[Errno 28] No space left on device: '{tmp_path / 'results.json'}'"
    assert not list(tmp_path.iterdir())
