"""Progress is printed as lines where the output is not a terminal; a closed pipe ends the printing only."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.parametrize(("columns", "used"), [("0", 80), ("1", 80), ("30", 30), ("200", 200)])
def test_a_terminal_without_columns_is_taken_for_a_usual_one(
    columns: str, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    console = terminal.PlainConsole(file=io.StringIO())
    assert console.width == used
    console.width = 100
    assert console.width == 100


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_closed_pipe_does_not_end_the_work(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom uegr.cli.terminal import console\n"
        "for step in range(3):\n    console.print('step', step)\nPath(sys.argv[1]).touch()\n"
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = tmp_path / "done"
    command = [sys.executable, "-c", program, str(done)]
    result = subprocess.run(command, check=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, b"")
    assert done.exists()
