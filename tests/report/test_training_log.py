from __future__ import annotations

import json
from pathlib import Path

import pytest

from sample_runs import RUN, log
from uegr.errors import UsageError
from uegr.runs.run_result import document
from uegr.runs.training_log import logged, read_runs, series


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results.json").write_text(json.dumps(document([RUN])))
    (tmp_path / "training_log.json").write_text(json.dumps(log(4)))
    return tmp_path


def test_a_folders_log_comes_along_and_a_files_does_not(folder: Path) -> None:
    in_folder, alone = read_runs([folder, folder / "results.json"])
    assert "log" not in alone
    assert series(in_folder, "loss") == ([1, 2, 3, 4], [2.0, 1.0, pytest.approx(2 / 3), 0.5])
    assert series(in_folder, "update_share")[0] == [1, 3]
    assert series(in_folder, "nothing") == series(alone, "loss") == ([], [])
    assert logged(in_folder, "divergence_") == ["divergence_pass_1", "divergence_clean"]


def test_a_damaged_log_is_named(folder: Path) -> None:
    (folder / "training_log.json").write_text("[{")
    with pytest.raises(UsageError, match=r"training_log\.json' is no JSON"):
        read_runs([folder])
