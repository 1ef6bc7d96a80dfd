"""`uegr methods`."""

from __future__ import annotations

import pytest

from support.command_line import error_of, run


def test_methods_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["methods"]) == 0
    listed = capsys.readouterr().out
    assert "2503.16550" in listed and "Which method?" in listed
    assert run(["methods", "uegr"]) == 0
    shown = capsys.readouterr().out
    assert "--epsilon" in shown and "[ours]" in shown
    assert "choose one of" in error_of(capsys, ["methods", "sgd"])


def test_every_option_has_the_stage_that_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    """SAM's forward stage is the plain one, and its views are made before that."""
    assert run(["methods", "sam"]) == 0
    stages = {row.split()[0]: row for row in capsys.readouterr().out.splitlines() if row.strip().startswith("--")}
    assert "forward" in stages["--views"] and "backward" in stages["--rho"]
