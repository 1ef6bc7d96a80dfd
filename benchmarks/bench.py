"""Steps of every method and of its peers, side by side: time beside arithmetic, as multiples of a plain step.

    python -m benchmarks.bench run [ROUNDS]     one table, measured in turn in one run, into benchmarks/results
    python -m benchmarks.bench table            write it into docs/performance.md

On the CPU: all-MiniLM-L6-v2, 32 sentences of Rotten Tomatoes of median length, one thread, bfloat16 where the processor
has it. `benchmarks/gpu.sh` takes the same entries to larger shapes.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.document import replace_block
from benchmarks.entries import OURS, SAME_JOB, makers
from benchmarks.timing import RESULTS, in_turn, machine, ratio, taken_on
from uegr.atomic_files import write_json
from uegr.data.data_source import DataSource
from uegr.data.encoding import batches, encode
from uegr.libraries import silence_libraries
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.modeling.model_loading import load_classifier, load_tokenizer
from uegr.training.cost_profile import Autocast
from uegr.training.precision import use_bf16


def real_batch(size: int = 32) -> tuple[nn.Module, dict[str, torch.Tensor]]:
    """MiniLM with a fresh head, and sentences of median length."""
    data = DataSource(task="rotten_tomatoes", max_train_examples=2000).load(0)
    tokenizer = load_tokenizer(EMBEDDED_MODEL)
    model = load_classifier(EMBEDDED_MODEL, data.label_names, 0)
    ordered = [batch for _, batch in batches(encode(data.train, tokenizer, data.text_columns, 128), tokenizer, size)]
    return model, ordered[len(ordered) // 2]


def side_by_side(
    model: nn.Module, batch: Mapping[str, Any], autocast: Autocast, rounds: int, in_pairs: bool = False
) -> list[dict[str, Any]]:
    """One row per entry: arithmetic and median time of a step, as multiples of the plain step's.

    All entries take turns, round by round; `in_pairs` holds only one of them beside the plain one at a time, for
    models of which a dozen copies do not fit.
    """
    make = makers(model, batch, autocast)
    names = [name for name in make if name != "plain"]
    rows: list[dict[str, Any]] = []
    for group in [[name] for name in names] if in_pairs else [names]:
        measured = _measure({name: make[name]() for name in ("plain", *group)}, rounds)
        rows += measured if not rows else measured[1:]
    return rows


def _measure(steps: dict[str, Callable[[], None]], rounds: int) -> list[dict[str, Any]]:
    flops = {}
    for name, step in steps.items():
        with FlopCounterMode(display=False) as counter:
            step()
        flops[name] = float(counter.get_total_flops())
    seconds = in_turn(steps, rounds, warm_up=0)
    return [
        {
            "entry": name,
            "ours": name in OURS,
            "seconds": statistics.median(seconds[name]),
            "time_ratio": ratio(seconds[name], seconds["plain"]),
            "flop_ratio": flops[name] / flops["plain"],
        }
        for name in steps
    ]


def run(rounds: int) -> None:
    """Measure and write benchmarks/results/bench-cpu.json."""
    torch.set_num_threads(1)
    model, batch = real_batch()
    bf16 = use_bf16("auto", model)
    before = machine()
    start = time.perf_counter()
    rows = side_by_side(model, batch, lambda: torch.autocast("cpu", torch.bfloat16, enabled=bf16), rounds)
    shape = {
        "model": EMBEDDED_MODEL,
        "batch": list(batch["input_ids"].shape),
        "real": int(batch["attention_mask"].sum()),
    }
    result = {
        "machine": before,
        "bf16": bf16,
        "rounds": rounds,
        **shape,
        "took": time.perf_counter() - start,
        "rows": rows,
    }
    write_json(RESULTS / "bench-cpu.json", result)
    print(table(result))


def table(result: Mapping[str, Any]) -> str:
    """Markdown."""
    row_of = {row["entry"]: row for row in result["rows"]}
    lines = [
        "| step | FLOPs × | time × | time / FLOPs | beside ours |",
        "|---|---|---|---|---|",
    ]
    for name, row in row_of.items():
        twin = row_of.get(SAME_JOB.get(name, ""))
        beside = "" if twin is None else f"ours takes {twin['seconds'] / row['seconds']:.2f} of its time"
        lines.append(
            f"| {name} | {row['flop_ratio']:.2f} | {row['time_ratio']:.2f} "
            f"| {row['time_ratio'] / row['flop_ratio']:.2f} | {beside} |"
        )
    return "\n".join(
        [*lines, "", f"{taken_on(result['machine'])}, batch {result['batch']}, {result['rounds']} rounds."]
    )


def main() -> None:
    """Entry point."""
    silence_libraries()
    sys.path.append(str(Path("benchmarks/.peers")))
    command, *rest = sys.argv[1:] or ["table"]
    if command == "run":
        run(int(rest[0]) if rest else 15)
    else:
        replace_block(Path("docs/performance.md"), "bench", table(json.loads((RESULTS / "bench-cpu.json").read_text())))


if __name__ == "__main__":
    main()
