"""uegr playground: what it refuses before a page is shown. The page is tested in a browser, in tests/playground."""

from __future__ import annotations

import pytest

from support.command_line import error_of


def test_a_missing_gradio_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("uegr.cli.playground.find_spec", lambda name: None)
    assert "pip install 'uegr[playground]'" in error_of(capsys, ["playground", "runs/a"])


def test_three_models_are_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gradio", reason="needs gradio: pip install 'uegr[playground]'")
    assert "one or two models, not 3" in error_of(capsys, ["playground", "a", "b", "c"])
