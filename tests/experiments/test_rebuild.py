"""The committed pages, tables and figures are what the committed results give."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_rebuilding_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    from experiments.rebuild import rebuilt_files

    changed = [path.name for path, text in rebuilt_files().items() if path.read_text() != text]
    assert not changed, f"run make results: {', '.join(changed)} would change"
