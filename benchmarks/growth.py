"""How a UEGR step grows: time and peak memory against k, K, sequence length, batch and model size.

    python -m benchmarks.growth run        measure into benchmarks/results/growth.json
    python -m benchmarks.growth figure     docs/figures/growth.svg, and the exponents into docs/performance.md

A random BERT of 4 layers and width 256 at batch 16, length 32, k = 2, K = 1, without the clean term, with one of the
five changed at a time. Seconds are those of a process on one thread; memory is the growth of that process. Each point
is a child process of its own. The largest model has BERT-base's shape; one of BERT-large's shape needs some 8 GB.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from benchmarks.document import replace_block
from benchmarks.timing import machine
from uegr.atomic_files import write_json
from uegr.libraries import silence_libraries
from uegr.methods.registry import UEGRConfig
from uegr.training.precision import use_bf16

RESULT, FIGURE = Path("benchmarks/results/growth.json"), Path("docs/figures/growth.svg")
BASE: dict[str, Any] = {"k": 2, "K": 1, "length": 32, "batch": 16, "model": (4, 256)}
AXES: dict[str, list[Any]] = {
    "k": [1, 2, 4, 8],
    "K": [1, 2, 4, 8],
    "length": [16, 32, 64, 128, 256],
    "batch": [4, 8, 16, 32, 64],
    "model": [(2, 128), (4, 256), (6, 384), (12, 768)],
}
ROUNDS = 3


def measure(point: dict[str, Any]) -> dict[str, float]:
    """Median seconds of a step, bytes at the peak, and the model's parameters."""
    torch.set_num_threads(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    layers, width = point["model"]
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        intermediate_size=4 * width,
    )
    model = BertForSequenceClassification(config).train()
    method = UEGRConfig(clean_weight=0.0, passes=point["k"], ascent_steps=point["K"]).create()
    bf16 = use_bf16("auto", model)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True), model)
    ids = torch.randint(1000, 30000, (point["batch"], point["length"]))
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids[:, 0] % 2}
    times = []
    for _ in range(ROUNDS + 2):  # the first makes the optimizer's state, the second is the first masked one
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = method.loss(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.process_time() - start)
    peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    parameters = sum(weight.numel() for weight in model.parameters())
    return {"seconds": statistics.median(times[2:]), "bytes": float(peak), "parameters": float(parameters)}


def run() -> None:
    """All points, one axis after another."""
    measured: dict[str, list[dict[str, Any]]] = {}
    context = multiprocessing.get_context("fork")
    for axis, values in AXES.items():
        for value in values:
            with context.Pool(1) as pool:
                row = pool.apply(measure, ({**BASE, axis: value},))
            measured.setdefault(axis, []).append({"value": value, **row})
            print(axis, value, row, flush=True)
    write_json(RESULT, {"machine": machine(), "base": BASE, "rounds": ROUNDS, "axes": measured})


def size(axis: str, row: dict[str, Any]) -> float:
    """Where a point lies on its axis: the value, or the number of the model's parameters."""
    return float(row["parameters"] if axis == "model" else row["value"])


def exponent(axis: str, rows: list[dict[str, Any]], key: str) -> float:
    """Slope of the least-squares line through the logarithms."""
    x, y = np.log([size(axis, row) for row in rows]), np.log([row[key] for row in rows])
    return float(np.polyfit(x, y, 1)[0])


def figure() -> None:
    """Time and memory along each axis, and a table of exponents."""
    import matplotlib.pyplot as plt

    axes = json.loads(RESULT.read_text())["axes"]
    plt.rcParams["svg.hashsalt"] = "uegr"
    canvas, panels = plt.subplots(1, 2, figsize=(9, 3.6))
    for panel, key, title in zip(panels, ("seconds", "bytes"), ("step time", "peak memory"), strict=True):
        for axis, rows in axes.items():
            x = [size(axis, row) / size(axis, rows[0]) for row in rows]
            slope = exponent(axis, rows, key)
            panel.plot(x, [row[key] / rows[0][key] for row in rows], "o-", label=f"{axis} ({slope:.2f})", markersize=3)
        panel.set(xscale="log", yscale="log", xlabel="times the smallest", title=f"{title}, times the smallest's")
        panel.plot([1, 100], [1, 100], color="grey", linewidth=0.7, linestyle=":")
        panel.legend(fontsize=7, title="exponent", title_fontsize=7)
    canvas.tight_layout()
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(FIGURE, metadata={"Date": None})
    lines = ["| axis | from | to | exponent of time | exponent of memory |", "|---|---|---|---|---|"]
    for axis, rows in axes.items():
        ends = [f"{size(axis, row) / 1e6:.0f} M parameters" if axis == "model" else row["value"] for row in rows]
        slopes = " | ".join(f"{exponent(axis, rows, key):.2f}" for key in ("seconds", "bytes"))
        lines.append(f"| {axis} | {ends[0]} | {ends[-1]} | {slopes} |")
    replace_block(Path("docs/performance.md"), "growth", "\n".join(lines))


def main() -> None:
    """Entry point."""
    silence_libraries()
    if sys.argv[1:] == ["run"]:
        run()
    else:
        figure()


if __name__ == "__main__":
    main()
