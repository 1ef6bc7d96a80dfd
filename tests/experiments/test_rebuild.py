"""The committed pages, tables and figures are what the committed results give."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest

PINNED = Path(__file__).parents[2] / "requirements/constraints.txt"


def test_rebuilding_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are compared with the pinned matplotlib only: every version writes its own SVG."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    from experiments.rebuild import rebuilt_files

    same_figures = f"matplotlib=={matplotlib.__version__}" in PINNED.read_text().splitlines()
    changed = [
        path.name
        for path, text in rebuilt_files().items()
        if (path.suffix != ".svg" or same_figures) and path.read_text() != text
    ]
    assert not changed, f"run make results: {', '.join(changed)} would change"
