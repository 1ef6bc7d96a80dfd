"""A CSV of 870,000 texts: how long until the first step of training, and how much memory that takes.

    python -m benchmarks.large_file run      make the file, measure three runs, write benchmarks/results/large_file.json
    python -m benchmarks.large_file table    write the table into docs/tasks.md

Each run is a process of its own: the whole file for the first time, the whole file again, and 2,000 rows, to show what
the model and the libraries need by themselves. Anonymous memory is what the process holds; the resident size also
counts pages of mapped files, which the system can take back.
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

from benchmarks.document import replace_block
from uegr.atomic_files import write_json
from uegr.data.data_source import DataSource
from uegr.libraries import silence_libraries
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.modeling.model_loading import load_tokenizer
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig

ROWS, SMALL, WORDS = 870_000, 2_000, 20
RESULT, PAGE = Path("benchmarks/results/large_file.json"), Path("docs/tasks.md")


def make_file(path: Path, rows: int) -> None:
    """Write texts of 10 to 30 words of the model's vocabulary, with word frequencies as in language (Zipf)."""
    generator = np.random.default_rng(0)
    words = np.array(sorted(word for word in load_tokenizer(EMBEDDED_MODEL).get_vocab() if word.isalpha()))
    words = generator.permutation(words)
    for start in range(0, rows, 10_000):
        count = min(10_000, rows - start)
        lengths = generator.integers(WORDS // 2, WORDS * 3 // 2, count)
        picks = np.minimum(generator.zipf(1.3, lengths.sum()), len(words)) - 1
        texts = [" ".join(text_words) for text_words in np.split(words[picks], np.cumsum(lengths)[:-1])]
        frame = pd.DataFrame({"text": texts, "label": generator.integers(0, 2, count)})
        frame.to_csv(path, mode="a" if start else "w", header=not start, index=False)


def worker(file: Path) -> None:
    """One run in this process: print the seconds until its first step is done, by the clock and of the processor
    (imports included), and the largest memory until then."""
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


def memory_table() -> str:
    """The three runs, as Markdown."""
    measured = json.loads(RESULT.read_text())
    lines = ["| run | until the first step | of the processor | anonymous memory | resident |", "|---" * 5 + "|"]
    names = {
        "small": f"{measured['small_rows']:,} rows, for comparison",
        "first": f"{measured['rows']:,} rows, first time",
        "again": f"{measured['rows']:,} rows, again",
    }
    for key, name in names.items():
        run = measured["runs"][key]
        times = [f"{run[kind]:.0f} s" for kind in ("seconds", "cpu_seconds")]
        memories = [f"{run[kind]:,.0f} MB" for kind in ("anonymous_mb", "resident_mb")]
        lines.append("| " + " | ".join([name, *times, *memories]) + " |")
    text = f"The file has {measured['file_mb']:.0f} MB; rows and tokens take {measured['cache_mb']:.0f} MB on disk."
    return "\n".join([*lines, "", text])


def measure_all() -> None:
    """Make the files, measure the three runs in processes of their own, write the results."""
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.csv", Path(folder) / "small.csv"
        make_file(whole, ROWS)
        make_file(small, SMALL)
        environment = {**os.environ, "HF_DATASETS_CACHE": f"{folder}/cache", "OMP_NUM_THREADS": "1"}
        runs = {}
        for name, file in (("small", small), ("first", whole), ("again", whole)):
            command = [sys.executable, "-m", "benchmarks.large_file", "worker", str(file)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
            runs[name] = json.loads(done.stdout.splitlines()[-1])
            print(name, runs[name], flush=True)
        cached = sum(path.stat().st_size for path in Path(folder, "cache").rglob("*") if path.is_file())
        numbers = {
            "rows": ROWS,
            "small_rows": SMALL,
            "file_mb": whole.stat().st_size / 2**20,
            "cache_mb": cached / 2**20,
        }
        write_json(RESULT, {**numbers, "runs": runs})


def main() -> None:
    """Entry point."""
    command, *files = sys.argv[1:] or ["table"]
    if command == "worker":
        worker(Path(files[0]))
    elif command == "run":
        measure_all()
    else:
        replace_block(PAGE, "memory", memory_table())


if __name__ == "__main__":
    main()
