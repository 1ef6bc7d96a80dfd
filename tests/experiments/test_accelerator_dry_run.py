"""A comparison goes to a machine without network and data, and its results come back."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).parents[2]


def test_dry_run_brings_all_results_back(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The dry run starts the machine's half by the script, in an environment of its own, and fails if a result is
    missing, or if a second call runs a cell again."""
    monkeypatch.syspath_prepend(str(ROOT))
    from experiments.accelerator.__main__ import main

    with mock.patch.dict(os.environ):
        main(["--dry-run"])
    printed = capfd.readouterr().out
    assert "dry_run: 2 new runs; 2 of 2 done, 0 missing" in printed
    assert "2 new runs, of 2 that came back" in printed
    assert "dry_run: 0 new runs; 2 of 2 done, 0 missing" in printed
