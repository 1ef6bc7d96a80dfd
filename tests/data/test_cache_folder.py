"""A cache that cannot be written: simulated by one below a file, since root may write anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import datasets.config
import pytest

from conftest import reviews, tokenizer
from uegr.data.cache_folder import writable_folder
from uegr.data.encoding import encode
from uegr.data.file_readers import read_rows
from uegr.data.user_data import load_files
from uegr.errors import UsageError

PROGRAM = """
import sys
from pathlib import Path
from uegr.data.file_readers import read_rows
print(len(read_rows(Path(sys.argv[1]))[0]))
"""


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, for this test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that cannot be made, as that of the cache."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "file" / "cache")
    return tmp_path / "file" / "cache"


def test_files_are_read_and_texts_tokenised_without_a_cache(
    tmp_path: Path,
    no_cache: Path,
    temporary_folder: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("uegr.data.encoding.CACHED_FROM", 1)
    reviews(20).to_csv(tmp_path / "t.csv", index=False)
    for _ in range(2):
        rows, _ = read_rows(tmp_path / "t.csv")
        encoded = encode(rows, tokenizer(), ["text"], 16)
    assert len(rows) == len(encoded) == 20
    assert len(list(temporary_folder.glob("uegr-cache-*/*.arrow"))) == 2, "one of rows and one of tokens"
    (record,) = [record for record in caplog.records if record.name == "uegr"]
    assert str(no_cache) in record.getMessage() and "set HF_DATASETS_CACHE to a writable folder" in record.getMessage()


def test_a_file_that_cannot_be_read_is_still_named(tmp_path: Path, no_cache: Path, temporary_folder: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"no Parquet")
    with pytest.raises(UsageError, match=r"cannot read '.*t\.parquet' as parquet .*: correct the file"):
        read_rows(tmp_path / "t.parquet")


def test_rows_of_a_file_can_be_cast_without_a_cache(tmp_path: Path, no_cache: Path, temporary_folder: Path) -> None:
    """For which `datasets` writes a further file, beside that of the rows."""
    (tmp_path / "t.jsonl").write_text("".join(f'{{"text": {i}, "label": {i % 2}}}\n' for i in range(20)))
    assert set(load_files(tmp_path / "t.jsonl").train["text"]) < {str(i) for i in range(20)}


def test_the_temporary_folder_is_removed_when_the_process_ends(tmp_path: Path) -> None:
    for folder in ("cwd", "temporary"):
        (tmp_path / folder).mkdir()
    reviews(20).to_csv(tmp_path / "t.csv", index=False)
    places = {"HF_DATASETS_CACHE": str(tmp_path / "t.csv" / "cache"), "TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "t.csv")]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **places}, cwd=tmp_path / "cwd"
    )
    assert ended.stdout == "20\n", ended.stderr
    assert ended.stderr.count("HF_DATASETS_CACHE") == 1
    assert not list((tmp_path / "temporary").iterdir())


def test_without_any_folder_the_error_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"neither the cache '.*' \(.*\) nor a temporary .*: set HF_DATASETS_CACHE"):
        writable_folder(tmp_path / "file" / "cache")


def test_a_cache_that_was_deleted_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    for number in range(2):
        reviews(20, seed=number).to_csv(tmp_path / "t.csv", index=False)
        assert len(read_rows(tmp_path / "t.csv")[0]) == 20
        shutil.rmtree(tmp_path / "cache")
