"""Two data-parallel processes: the same weights on both, and those of one process with the joined batch."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from worker import OPTIONS, train

WITH_LIGHTNING = ["lightning"] if find_spec("lightning") else []
LAUNCHERS = {
    "torchrun": ["torch.distributed.run", "--standalone", "--nproc_per_node=2"],
    "accelerate launch": ["accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--mixed_precision=no"],
}


@pytest.mark.parametrize(
    ("launcher", "wrappers"),
    [("torchrun", ["ddp", "fsdp", *WITH_LIGHTNING]), ("accelerate launch", ["accelerate"])],
    ids=LAUNCHERS,
)
def test_two_processes_equal_one(launcher: str, wrappers: list[str], tmp_path: Path) -> None:
    """Of all wrappers and methods in the same processes: starting them takes longer than the training."""
    worker_file = str(Path(__file__).parent / "worker.py")
    command = [sys.executable, "-m", *LAUNCHERS[launcher], worker_file, str(tmp_path), *wrappers]
    process = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    for method in OPTIONS:
        expected = train(method, "none", 0, 1)
        for wrapper in wrappers:
            files = [tmp_path / f"{wrapper}-{method}-{rank}.pt" for rank in (0, 1)]
            first, second = (torch.load(file, weights_only=True) for file in files)
            for key, value in first.items():
                assert torch.equal(second[key], value), f"{wrapper}, {method}: the ranks differ in {key}"
                torch.testing.assert_close(value, expected[key], atol=1e-5, rtol=1e-3)


def test_the_command_line_trains_in_two_processes(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """One run folder and one line of output, by the first process; a refusal is one line, too."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", *LAUNCHERS["torchrun"], "-m", "uegr.cli.main", "train"]
    command += ["--train_file", str(train_file), "--model_name_or_path", str(model_folder), "--epochs", "2"]
    command += ["--batch_size", "4", "--output_dir", str(folder)]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, timeout=180, check=False) for _ in range(2)
    )
    assert first.returncode == 0, first.stderr[-3000:]
    assert first.stdout.count("accuracy %") == 1
    run = json.loads((folder / "run.json").read_text())
    steps = 2 * math.ceil(run["train_examples"] / (2 * 4))
    assert f"{steps} of {steps} steps" in first.stdout, "each process trains on its share"
    assert second.returncode != 0 and second.stderr.count("holds a finished run") == 1
