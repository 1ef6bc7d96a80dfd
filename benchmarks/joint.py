"""When are the k passes of a step faster as one batch? The rule in `uegr.forward.joined_passes` comes from here.

    python -m benchmarks.joint run [ROUNDS]     measure into benchmarks/results/joint.json
    python -m benchmarks.joint table            write the table into docs/performance.md

UEGR's defaults (k = 2 and the clean term) on all-MiniLM-L6-v2 and on a BERT-base of random weights, random tokens, one
thread, bfloat16 where the processor has it. Both ways take turns in one process; a ratio is the median over the rounds.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from benchmarks.bench import machine, taken_on
from benchmarks.document import replace_block
from uegr.atomic_files import write_json
from uegr.libraries import silence_libraries
from uegr.methods.registry import create_method
from uegr.modeling.model_loading import EMBEDDED_MODEL, load_classifier
from uegr.training.cost_profile import Stepper
from uegr.training.precision import use_bf16

RESULT = Path("benchmarks/results/joint.json")
SHAPES = ((1, 16), (2, 16), (4, 16), (4, 32), (8, 16), (8, 32), (16, 32), (32, 32))
"""Examples and tokens of a pass."""


def models() -> dict[str, nn.Module]:
    """Name -> model."""
    return {
        "MiniLM, 6 layers of 384": load_classifier(EMBEDDED_MODEL, ["a", "b"], 0),
        "BERT-base, 12 layers of 768": BertForSequenceClassification(BertConfig()),
    }


def run(rounds: int) -> None:
    """Time both ways at every shape."""
    autocast = partial(torch.autocast, "cpu", torch.bfloat16, enabled=use_bf16("auto"))
    rows = []
    for name, model in models().items():
        for examples, tokens in SHAPES:
            ids = torch.randint(1000, 20000, (examples, tokens), generator=torch.Generator().manual_seed(0))
            batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids[:, 0] % 2}
            steps = [
                Stepper(model, batch, create_method("uegr", batching=way), autocast) for way in ("separate", "joint")
            ]
            times: list[list[float]] = [[], []]
            for at in range(rounds + 1):
                for step, taken in zip(steps, times, strict=True):
                    start = time.process_time()
                    step()
                    if at:  # the first warms up
                        taken.append(time.process_time() - start)
            ratio = statistics.median(one / other for one, other in zip(*reversed(times), strict=True))
            rows.append({"model": name, "examples": examples, "tokens": tokens, "ratio": ratio})
            print(rows[-1], flush=True)
    write_json(RESULT, {"machine": machine(), "rounds": rounds, "rows": rows})


def table() -> str:
    """Time of a step with one batch, as a multiple of that with passes one after another."""
    found = json.loads(RESULT.read_text())
    names = list(dict.fromkeys(row["model"] for row in found["rows"]))
    lines = ["| examples x tokens of a pass | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    for examples, tokens in SHAPES:
        ratios = [
            next(row["ratio"] for row in found["rows"] if (row["model"], row["examples"], row["tokens"]) == key)
            for key in ((name, examples, tokens) for name in names)
        ]
        lines.append(
            f"| {examples} x {tokens} = {examples * tokens} | " + " | ".join(f"{r:.2f}" for r in ratios) + " |"
        )
    return "\n".join([*lines, "", f"{taken_on(found['machine'])}, {found['rounds']} rounds."])


def main() -> None:
    """Entry point."""
    silence_libraries()
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["run"]:
        run(int(sys.argv[2]) if len(sys.argv) > 2 else 15)
    else:
        replace_block(Path("docs/performance.md"), "joint", table())


if __name__ == "__main__":
    main()
