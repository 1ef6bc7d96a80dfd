"""A CSV of 870,000 texts: how long until the first step of training, and how much memory that takes.

    python -m benchmarks.large_file          make the file, measure three runs, write results/large_file.json

A run is a process of its own: the whole file for the first time, the whole file again, and 2,000 rows of it, which
tells what model and libraries take by themselves. Anonymous memory is what the process holds; the resident size also
counts pages of mapped files, which the system takes back when it needs them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd

from uegr.atomic_files import write_json
from uegr.data.data_source import DataSource
from uegr.libraries import silence_libraries
from uegr.modeling.model_loading import EMBEDDED_MODEL, load_tokenizer
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig

ROWS, SMALL, WORDS = 870_000, 2_000, 20
RESULT = Path("results/large_file.json")


def make_file(path: Path, rows: int) -> None:
    """Texts of 10 to 30 words of the model's own vocabulary, drawn as words are: few often, most rarely."""
    generator = np.random.default_rng(0)
    words = np.array(sorted(word for word in load_tokenizer(EMBEDDED_MODEL).get_vocab() if word.isalpha()))
    words = generator.permutation(words)
    for start in range(0, rows, 10_000):
        count = min(10_000, rows - start)
        lengths = generator.integers(WORDS // 2, WORDS * 3 // 2, count)
        picks = np.minimum(generator.zipf(1.3, lengths.sum()), len(words)) - 1
        texts = [" ".join(one) for one in np.split(words[picks], np.cumsum(lengths)[:-1])]
        frame = pd.DataFrame({"text": texts, "label": generator.integers(0, 2, count)})
        frame.to_csv(path, mode="a" if start else "w", header=not start, index=False)


def worker(file: Path) -> None:
    """One run in this process: seconds until its first step is done, by the clock and of the processor (imports
    included), and the most memory it held till then."""
    silence_libraries()
    peak: dict[str, float] = {"RssAnon": 0.0, "VmRSS": 0.0}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            status = Path("/proc/self/status").read_text()
            for line in status.splitlines():
                name, _, value = line.partition(":")
                if name in peak:
                    peak[name] = max(peak[name], int(value.split()[0]) / 1024)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    begin, first = time.perf_counter(), []
    config = RunConfig(DataSource(train_file=str(file)), method="plain", max_steps=1)
    with tempfile.TemporaryDirectory() as folder:
        train_run(
            config,
            Path(folder) / "run",
            cost={"flop_ratio": 1.0, "time_ratio": 1.0},
            on_step=lambda step, total: first.append((time.perf_counter() - begin, time.process_time())),
        )
    stop.set()
    watcher.join()
    seconds, cpu = first[0]
    print(
        json.dumps(
            {"seconds": seconds, "cpu_seconds": cpu, "anonymous_mb": peak["RssAnon"], "resident_mb": peak["VmRSS"]}
        )
    )


def main() -> None:
    """Entry point."""
    if len(sys.argv) > 1:
        worker(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.csv", Path(folder) / "small.csv"
        make_file(whole, ROWS)
        make_file(small, SMALL)
        environment = {**os.environ, "HF_DATASETS_CACHE": f"{folder}/cache", "OMP_NUM_THREADS": "1"}
        runs = {}
        for name, file in (("small", small), ("first", whole), ("again", whole)):
            command = [sys.executable, "-m", "benchmarks.large_file", str(file)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
            runs[name] = json.loads(done.stdout.splitlines()[-1])
            print(name, runs[name], flush=True)
        cached = sum(one.stat().st_size for one in Path(folder, "cache").rglob("*") if one.is_file())
        numbers = {
            "rows": ROWS,
            "small_rows": SMALL,
            "file_mb": whole.stat().st_size / 2**20,
            "cache_mb": cached / 2**20,
        }
        write_json(RESULT, {**numbers, "runs": runs})


if __name__ == "__main__":
    main()
