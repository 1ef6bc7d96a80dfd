"""The script for a GPU machine says what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="tests the error on a machine without a GPU")
def test_gpu_script_refuses_a_machine_without_cuda() -> None:
    process = subprocess.run(
        ["bash", ROOT / "benchmarks" / "gpu.sh"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
    )
    assert process.returncode == 2
    assert "needs a CUDA device" in process.stderr
