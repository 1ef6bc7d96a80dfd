"""What keeping freed memory saves: one short training of the command line with and without it, in turn.

    python -m benchmarks.allocator [ROUNDS]     into benchmarks/results/allocator.json

Seconds of the processor, user and system, of the whole process.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.timing import RESULTS, machine
from uegr.atomic_files import write_json

TRAIN = """
import sys
from uegr.training.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
from pathlib import Path
from uegr.data.data_source import DataSource
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig
source = DataSource(task="rotten_tomatoes", max_train_examples=320, max_test_examples=10)
train_run(RunConfig(source, method=sys.argv[2], epochs=1, precision="fp32"), Path(sys.argv[3]), cost={"seconds": 0})
"""


def seconds(way: str, method: str) -> float:
    """Processor seconds of one training."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", TRAIN, way, method, str(Path(folder) / "run")]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})  # noqa: S603  # ourselves
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and write."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rows = {}
    for method in ("plain", "uegr"):
        taken = [{way: seconds(way, method) for way in ("given back", "kept")} for _ in range(rounds)]
        ratio = statistics.median(times["kept"] / times["given back"] for times in taken)
        rows[method] = {"seconds": taken, "ratio": ratio}
        print(method, f"kept / given back: {ratio:.3f}", flush=True)
    write_json(RESULTS / "allocator.json", {"machine": machine(), "rounds": rounds, "rows": rows})


if __name__ == "__main__":
    main()
