"""Every row of `make bench` at two commits, in turn in one run: ratios of the time after to the time before.

    python -m benchmarks.before_after BEFORE_SRC AFTER_SRC [ROUNDS]    into benchmarks/results/before_after.json

Each commit runs in a process of its own, on one thread; the two take turns step by step, and seconds are those of the
process.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

RESULT = Path("benchmarks/results/before_after.json")
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("plain", {}),
    "r-drop": ("r-drop", {}),
    "freelb, 3 steps": ("freelb", {}),
    "smart": ("smart", {}),
    "sam": ("sam", {}),
    "roast": ("roast", {}),
    "neftune": ("neftune", {}),
    "uegr, k 2, no clean term": ("uegr", {"clean_weight": 0.0}),
    "uegr, k 3, no clean term": ("uegr", {"clean_weight": 0.0, "passes": 3}),
    "uegr (defaults: k 2 and the clean term)": ("uegr", {}),
    "uegr, reuse": ("uegr", {"reuse": True}),
    "uegr, k 1, reuse": ("uegr", {"passes": 1, "reuse": True}),
}


def worker() -> None:
    """Answer each line of standard input, the name of a row, with the seconds of one step."""
    import copy
    import time

    import torch

    from uegr.data.data_source import DataSource
    from uegr.data.encoding import batches, encode
    from uegr.methods.method_lookup import make_config
    from uegr.modeling.model_loading import EMBEDDED_MODEL, load_classifier, load_tokenizer

    torch.set_num_threads(1)
    data = DataSource(task="rotten_tomatoes", max_train_examples=2000).load(0)
    tokenizer = load_tokenizer(EMBEDDED_MODEL)
    model = load_classifier(EMBEDDED_MODEL, data.label_names, 0).train()
    ordered = [batch for _, batch in batches(encode(data.train, tokenizer, data.text_columns, 128), tokenizer, 32)]
    batch = ordered[len(ordered) // 2]
    steps = {}
    for row, (name, options) in ROWS.items():
        twin, method = copy.deepcopy(model), make_config(name, options).create()
        optimizer = method.wrap_optimizer(torch.optim.AdamW(twin.parameters(), lr=1e-5, fused=True), twin)
        method.prepare([batch])
        steps[row] = (twin, method, optimizer)
    print("ready", flush=True)
    for line in sys.stdin:
        twin, method, optimizer = steps[line.strip()]
        start = time.process_time()
        method.loss(batch).backward()
        optimizer.step()
        optimizer.zero_grad()
        print(time.process_time() - start, flush=True)


def compare(before: str, after: str, rounds: int) -> None:
    """Run both and write the ratios."""
    from benchmarks.timing import machine
    from uegr.atomic_files import write_json

    workers = {}
    for name, source in (("before", before), ("after", after)):
        environment = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}.", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.before_after", "worker"]
        workers[name] = subprocess.Popen(  # noqa: S603  # ourselves
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    for process in workers.values():
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
    seconds: dict[str, dict[str, list[float]]] = {row: {"before": [], "after": []} for row in ROWS}
    for round_number in range(rounds + 2):  # two to warm up: the optimizer's state, and the first masked step
        for row in ROWS:
            for name, process in workers.items():
                assert process.stdin is not None and process.stdout is not None
                process.stdin.write(f"{row}\n")
                process.stdin.flush()
                taken = float(process.stdout.readline())
                if round_number >= 2:
                    seconds[row][name].append(taken)
    rows = {
        row: {
            "before": statistics.median(times["before"]),
            "after": statistics.median(times["after"]),
            "ratio": statistics.median(a / b for a, b in zip(times["after"], times["before"], strict=True)),
        }
        for row, times in seconds.items()
    }
    for row, values in rows.items():
        print(f"{row:42} {values['before']:.3f} s  {values['after']:.3f} s  after / before {values['ratio']:.3f}")
    write_json(RESULT, {"machine": machine(), "rounds": rounds, "rows": rows})


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        worker()
    else:
        compare(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 11)
