"""Cache files: written under another name, and moved into place."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from datasets.arrow_writer import ArrowWriter

from uegr.data.arrow_cache import cached_table
from uegr.data.file_readers import read_rows
from uegr.errors import UsageError

TABLE = pa.table({"text": ["a good film", "a bad film"]})


def test_two_writers_of_one_file_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    """Also where their process ids are equal, as in two containers with one volume."""
    path = tmp_path / "rows.arrow"

    def tables() -> Iterator[pa.Table]:
        yield TABLE
        assert cached_table(path, [TABLE])["text"][:] == TABLE["text"].to_pylist(), "another process, meanwhile"
        yield TABLE

    assert cached_table(path, tables())["text"][:] == 2 * TABLE["text"].to_pylist()
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    def tables() -> Iterator[pa.Table]:
        yield TABLE
        raise ValueError("row 3 is no object")

    with pytest.raises(ValueError, match="row 3"):
        cached_table(tmp_path / "rows.arrow", tables())
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_table(_writer: ArrowWriter, _table: pa.Table) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ArrowWriter, "write_table", write_table)
    (tmp_path / "full.csv").write_text("text,label\na text of this test alone,0\n")
    with pytest.raises(UsageError, match=r"^the disk of the cache '.*' is full: make room, or set HF_DATASETS_CACHE"):
        read_rows(tmp_path / "full.csv")


def test_a_file_that_another_process_wrote_and_maps_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows does not replace it, and its rows are the same."""
    path = tmp_path / "rows.arrow"

    def tables() -> Iterator[pa.Table]:
        yield TABLE
        cached_table(path, [TABLE])
        monkeypatch.setattr("uegr.data.arrow_cache.replace_file", refuse)

    def refuse(_source: Path, _target: Path) -> None:
        raise PermissionError(13, "The process cannot access the file")

    assert cached_table(path, tables())["text"][:] == TABLE["text"].to_pylist()
    path.unlink()
    with pytest.raises(PermissionError):
        cached_table(path, [TABLE])
    assert not list(tmp_path.iterdir())
