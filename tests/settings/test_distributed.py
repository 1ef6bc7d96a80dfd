"""Two data-parallel processes: the same weights on both, and those of one process with the joined batch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from worker import train


@pytest.mark.parametrize("wrapper", ["ddp", "fsdp"])
@pytest.mark.parametrize("method", ["plain", "uegr"])
def test_two_processes_equal_one(method: str, wrapper: str, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        "--master_port=0",
        "--standalone",
        str(Path(__file__).parent / "worker.py"),
        str(tmp_path),
        method,
        wrapper,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    alone = train(method, "none", 0, 1)
    for key, value in one.items():
        assert torch.equal(two[key], value), f"the ranks drifted apart in {key}"
        torch.testing.assert_close(value, alone[key], atol=1e-5, rtol=1e-3)
