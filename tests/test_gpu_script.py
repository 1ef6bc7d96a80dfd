from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="what the script says where there is no GPU")
def test_gpu_script_refuses_a_machine_without_cuda() -> None:
    done = subprocess.run(
        ["bash", ROOT / "benchmarks" / "gpu.sh"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 2
    assert "needs a CUDA device" in done.stderr
