"""The runners of a step's k passes: joined into one batch, one after another, and one in memory at a time.

    python -m benchmarks.pass_runners run [ROUNDS]   on this device, into joint.json (CPU) or gpu-passes.json (CUDA)
    python -m benchmarks.pass_runners table          write the tables into docs/performance.md

UEGR with its clean term on models of random weights, random tokens, bfloat16 where it is faster; on a CPU one thread.
The rule in `uegr.forward.joined_passes` comes from here.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from benchmarks.document import replace_block
from benchmarks.timing import RESULTS, in_turn, machine, ratio, taken_on
from uegr.atomic_files import write_json
from uegr.forward.joined_passes import run_joined
from uegr.forward.pass_runner import OneByOne, PassRunner
from uegr.libraries import silence_libraries
from uegr.methods.registry import UEGRConfig
from uegr.training.cost_profile import Stepper
from uegr.training.precision import use_bf16

MODELS = {
    "MiniLM, 6 layers of 384": {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
    "BERT-base, 12 layers of 768": {},
}
SHAPES = {
    "cpu": ((1, 16), (2, 16), (4, 16), (4, 32), (8, 16), (8, 32), (16, 32), (32, 32)),
    "cuda": ((1, 16), (4, 32), (8, 32), (16, 32), (32, 32), (32, 64), (32, 128), (64, 128)),
}
"""Examples and tokens of a pass."""
PASSES = {"cpu": (2,), "cuda": (2, 4)}
FILES = {"cpu": "joint.json", "cuda": "gpu-passes.json"}
MEMORY_PASSES = (2, 4, 8)


class Joined(PassRunner):
    """Always one batch."""

    def run(self, *arguments: Any, **options: Any) -> Any:
        return run_joined(*arguments, **options)


def batch_of(device: str, examples: int, tokens: int) -> dict[str, torch.Tensor]:
    """Random tokens, no padding."""
    ids = torch.randint(1000, 20000, (examples, tokens), generator=torch.Generator().manual_seed(0)).to(device)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids[:, 0] % 2}


def stepper(
    model: nn.Module, batch: dict[str, torch.Tensor], passes: int, runner: PassRunner, autocast: Any
) -> Stepper:
    """Steps of UEGR with a given runner."""
    method = UEGRConfig(passes=passes).create()
    method.forward.runner = runner  # type: ignore[attr-defined]
    return Stepper(model, batch, method, autocast)


def run(rounds: int) -> None:
    """Time both ways at every shape, and on CUDA the memory of one pass at a time."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows, memory = [], []
    for name, sizes in MODELS.items():
        model = BertForSequenceClassification(BertConfig(**sizes)).to(device)
        autocast = partial(torch.autocast, device, torch.bfloat16, enabled=use_bf16("auto", model))
        for examples, tokens in SHAPES[device]:
            for passes in PASSES[device]:
                batch = batch_of(device, examples, tokens)
                steps = {
                    "one by one": stepper(model, batch, passes, OneByOne(), autocast),
                    "joined": stepper(model, batch, passes, Joined(), autocast),
                }
                seconds = in_turn(steps, rounds)
                row = {"model": name, "examples": examples, "tokens": tokens, "k": passes}
                rows.append({**row, "ratio": ratio(seconds["joined"], seconds["one by one"])})
                print(rows[-1], flush=True)
        if device == "cuda" and not sizes:
            memory = peak_memory(model, autocast)
    write_json(RESULTS / FILES[device], {"machine": machine(), "rounds": rounds, "joined": rows, "memory": memory})


def peak_memory(model: nn.Module, autocast: Any) -> list[dict[str, Any]]:
    """Bytes that a step allocates at most, with and without `checkpoint_passes`, at 32 x 128 tokens."""
    rows = []
    for passes in MEMORY_PASSES:
        for recompute in (False, True):
            config = UEGRConfig(passes=passes, checkpoint_passes=recompute)
            step = Stepper(model, batch_of("cuda", 32, 128), config.create(), autocast)
            step()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            seconds = in_turn({"step": step}, 3)["step"]
            peak = torch.cuda.max_memory_allocated() - before
            rows.append({"k": passes, "checkpoint_passes": recompute, "bytes": peak, "seconds": min(seconds)})
            print(rows[-1], flush=True)
            del step
    return rows


def joined_table(device: str) -> str:
    """Time of a step with one batch, as a multiple of that with passes one after another."""
    result = json.loads((RESULTS / FILES[device]).read_text())
    columns = list(dict.fromkeys((row["model"], row["k"]) for row in result["joined"]))
    heads = [f"{model}, k = {k}" for model, k in columns]
    lines = ["| examples x tokens of a pass | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for examples, tokens in SHAPES[device]:
        ratios = [
            next(
                row["ratio"]
                for row in result["joined"]
                if (row["model"], row["k"], row["examples"], row["tokens"]) == (model, k, examples, tokens)
            )
            for model, k in columns
        ]
        lines.append(
            f"| {examples} x {tokens} = {examples * tokens} | " + " | ".join(f"{r:.2f}" for r in ratios) + " |"
        )
    return "\n".join([*lines, "", f"{taken_on(result['machine'])}, {result['rounds']} rounds."])


def memory_table() -> str:
    """Peak memory and time of a step, BERT-base, 32 x 128 tokens."""
    result = json.loads((RESULTS / FILES["cuda"]).read_text())
    lines = ["| k | checkpoint_passes | peak above the start, GB | step, s |", "|---:|---|---:|---:|"]
    for row in result["memory"]:
        lines.append(f"| {row['k']} | {row['checkpoint_passes']} | {row['bytes'] / 1e9:.1f} | {row['seconds']:.2f} |")
    return "\n".join([*lines, "", f"{taken_on(result['machine'])}."])


def main() -> None:
    """Entry point."""
    silence_libraries()
    if sys.argv[1:2] == ["run"]:
        torch.set_num_threads(1)
        run(int(sys.argv[2]) if len(sys.argv) > 2 else 15)
        return
    document = Path("docs/performance.md")
    replace_block(document, "joint", joined_table("cpu"))
    replace_block(document, "gpu-joined", joined_table("cuda"))
    replace_block(document, "gpu-memory", memory_table())


if __name__ == "__main__":
    main()
