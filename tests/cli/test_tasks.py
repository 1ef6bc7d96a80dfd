"""`uegr tasks`."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import error_of, run


def test_tasks_are_listed_and_described(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UEGR_DATA", str(tmp_path))
    (tmp_path / "ag_news").mkdir()
    assert run(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:6] for line in lines if line.split()[:1] == ["ag_news"]] == [
        ["ag_news", "accuracy", "9,977", "of", "120,000", "7,600"]
    ]
    assert any(line.split() == ["mpqa", "accuracy", "8,478", "1,003", "–"] for line in lines)
    assert run(["tasks", "trec"]) == 0
    assert "Li & Roth 2002" in capsys.readouterr().out
    assert "did you mean 'trec'" in error_of(capsys, ["tasks", "trek"])
