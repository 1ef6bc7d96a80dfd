"""The folder that UEGR_DATA names."""

from __future__ import annotations

from pathlib import Path

import pytest

from uegr.data.data_folder import uegr_data
from uegr.data.named_tasks import load_task
from uegr.errors import UsageError
from uegr.perturb.lexical_files import lexical_file


def test_an_empty_variable_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It used to stand for the working directory."""
    (tmp_path / "lexical").mkdir()
    (tmp_path / "lexical" / "words.txt").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UEGR_DATA", "")
    assert uegr_data() is None and lexical_file("words.txt") is None
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("UEGR_DATA", "~")
    assert lexical_file("words.txt") == tmp_path / "lexical" / "words.txt"


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data silently came from elsewhere."""
    file = tmp_path / "file"
    file.touch()
    for name in (tmp_path / "nowhere", file):
        monkeypatch.setenv("UEGR_DATA", str(name))
        with pytest.raises(UsageError, match="which is not a folder: correct the variable"):
            load_task("rotten_tomatoes")
