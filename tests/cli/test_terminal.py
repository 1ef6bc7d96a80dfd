"""Progress is printed as lines where the output is not a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from uegr.cli import terminal


@pytest.mark.parametrize("on_terminal", [False, True])
def test_progress(on_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=output, force_terminal=on_terminal, width=100))
    with terminal.progress() as on_progress:
        for step in range(1, 115):
            on_progress("training uegr", step, 114, "steps")
        on_progress("attacking", 3, 3)
    lines = output.getvalue().splitlines()
    if on_terminal:
        assert any("114/114" in line for line in lines)
        return
    assert lines[0] == "training uegr: 1 of 114 steps"
    assert "training uegr: 46 of 114 steps" in lines
    assert lines[-2:] == ["training uegr: 114 of 114 steps", "attacking: 3 of 3 examples"]
    assert len(lines) == 12
