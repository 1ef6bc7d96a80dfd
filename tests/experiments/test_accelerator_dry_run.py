"""A comparison goes to a machine without network and data, and its results come back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_dry_run_brings_all_results_back() -> None:
    """The dry run starts the machine's half in an environment of its own, and fails if a result is missing, or if a
    second call runs a cell again."""
    process = subprocess.run(
        ["bash", ROOT / "experiments/accelerator.sh", "--dry-run"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    assert process.returncode == 0, process.stderr
    assert "dry_run: 2 new runs; 2 of 2 done, 0 missing" in process.stdout
    assert "2 new runs, of 2 that came back" in process.stdout
    assert "dry_run: 0 new runs; 2 of 2 done, 0 missing" in process.stdout
