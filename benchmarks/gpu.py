"""What `gpu.sh` runs; see there.

The table is that of `benchmarks.bench`, on random models of the real shapes: times do not depend on the weights.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from transformers import BertConfig, BertForSequenceClassification, RobertaConfig, RobertaForSequenceClassification

from benchmarks.bench import side_by_side
from benchmarks.bench import table as show
from benchmarks.document import replace_block
from benchmarks.pass_runners import Joined
from benchmarks.timing import RESULTS, machine
from uegr.atomic_files import write_json
from uegr.backward.uniform_draws import Draws
from uegr.forward.pass_runner import OneByOne
from uegr.libraries import silence_libraries
from uegr.methods.registry import UEGRConfig
from uegr.modeling.profile import now
from uegr.training.cost_profile import Stepper

BUDGET = 420.0
"""Seconds, of the eight minutes that gpu.sh allows."""


def models(toy: bool) -> dict[str, Callable[[], nn.Module]]:
    """Shapes to measure at; tiny ones of the same classes in a dry run."""
    small: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2} if toy else {}
    large = small or {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
    return {
        "BERT-base": lambda: BertForSequenceClassification(BertConfig(**small, intermediate_size=64 if toy else 3072)),
        "RoBERTa-large": lambda: RobertaForSequenceClassification(
            RobertaConfig(**large, intermediate_size=64 if toy else 4096, vocab_size=50265, max_position_embeddings=514)
        ),
    }


def batch_of(device: torch.device, examples: int, tokens: int, seed: int = 0) -> dict[str, Tensor]:
    """Random tokens, no padding."""
    ids = torch.randint(1000, 30000, (examples, tokens), generator=torch.Generator().manual_seed(seed)).to(device)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids[:, 0] % 2}


def correctness(device: torch.device) -> dict[str, bool]:
    """Three steps on the device against the same three on the CPU, float32, without dropout; the masks' numbers; the
    passes of a step as one batch against those one after another, with dropout."""
    torch.manual_seed(0)
    origin = BertForSequenceClassification(
        BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    )
    results = []
    for place in (torch.device("cpu"), device):
        model = copy.deepcopy(origin).to(place).train()
        method = UEGRConfig(dropout=(0.0, 0.0), p_min=1.0).create()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True), model)
        losses = []
        for seed in range(3):
            loss = method.loss(batch_of(place, 4, 12, seed=seed))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(loss.detach()))
        results.append(losses)
    numbers = [Draws(3).uniforms(2, torch.empty(200_000, device=place)).cpu() for place in ("cpu", device)]
    close = all(abs(a - b) < 1e-3 * max(1.0, abs(a)) for a, b in zip(*results, strict=True))
    passes = []
    for runner in (Joined(), OneByOne()):
        model = copy.deepcopy(origin).to(device).train()
        method = UEGRConfig().create()
        method.forward.runner = runner  # type: ignore[attr-defined]
        method.wrap_optimizer(torch.optim.AdamW(model.parameters()), model)
        passes.append(float(method.loss(batch_of(device, 4, 12)).detach()))
    return {
        "losses": close,
        "draws": torch.equal(*numbers),
        "joint": abs(passes[0] - passes[1]) < 1e-4,
    }


def matrix_rate(device: torch.device, size: int) -> float:
    """FLOP/s of a bf16 matrix product, the most that a step can reach."""
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    rounds = 30 if device.type == "cuda" else 2
    for _ in range(3):
        a @ a
    start = now()
    for _ in range(rounds):
        a @ a
    return 2.0 * size**3 * rounds / (now() - start)


def idle_share(step: Callable[[], None], device: torch.device) -> float | None:
    """Share of a step in which no kernel runs, by the profiler; None on a CPU."""
    if device.type != "cuda":
        return None
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as record:
        start = now()
        step()
        taken = now() - start
    busy = sum(event.device_time_total for event in record.events() if event.device_type.name == "CUDA")
    return max(0.0, 1.0 - busy / 1e6 / taken)


def write_tables() -> None:
    """Write the committed results of gpu.sh into docs/performance.md."""
    parts = []
    for path in sorted(RESULTS.glob("gpu-nvidia-*.json")):
        result = json.loads(path.read_text())
        rate = result["matrix_flops_per_second"] / 1e12
        for name, entry in result["tables"].items():
            parts.append(f"**{name}, {' x '.join(map(str, entry['batch']))} tokens**")
            parts.append(show({"machine": result["machine"], "rounds": 10, **entry}))
            parts.append(
                f"A step of `uegr, k 2, no clean term` reaches {entry['uegr_flops_per_second'] / 1e12:.0f} TFLOP/s, "
                f"{100 * entry['share_of_matrix_rate']:.0f} % of a large matrix product's {rate:.0f}; "
                f"no kernel runs in {100 * entry['idle_share']:.0f} % of its time."
            )
    replace_block(Path("docs/performance.md"), "gpu-steps", "\n\n".join(parts))


def main() -> None:
    """Entry point."""
    silence_libraries()
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        write_tables()
        return
    toy = arguments.dry_run
    device = torch.device("cpu" if toy else "cuda")
    begun = time.perf_counter()
    checks = correctness(device)
    print("correctness:", checks, flush=True)
    if not all(checks.values()):
        raise SystemExit("the device and the CPU disagree: no times are taken of wrong results.")
    rate = matrix_rate(device, 256 if toy else 8192)

    def autocast() -> Any:
        return torch.autocast(device.type, torch.bfloat16)

    tables: dict[str, Any] = {}
    for name, make in models(toy).items():
        if time.perf_counter() - begun > BUDGET / 2:
            print(f"{name}: left out, no time left")
            continue
        model = make().to(device)
        batch = batch_of(device, 4 if toy else 32, 16 if toy else 128)
        rows = side_by_side(model, batch, autocast, 1 if toy else 10, in_pairs=True)
        stepper = Stepper(model, batch, UEGRConfig(clean_weight=0.0).create(), autocast)
        flops = stepper.flops()
        row = next(row for row in rows if row["entry"] == "uegr, k 2, no clean term")
        tables[name] = {
            "batch": list(batch["input_ids"].shape),
            "rows": rows,
            "uegr_flops_per_second": flops / row["seconds"],
            "share_of_matrix_rate": flops / row["seconds"] / rate,
            "idle_share": idle_share(stepper, device),
        }
        print(name, {key: value for key, value in tables[name].items() if key != "rows"}, flush=True)
        print(show({"machine": machine(), "rounds": 1 if toy else 10, **tables[name]}), flush=True)
        del model, stepper
    result = {
        "machine": machine(),
        "correctness": checks,
        "matrix_flops_per_second": rate,
        "took": time.perf_counter() - begun,
        "tables": tables,
    }
    if toy:
        print("dry run: nothing is written")
        return
    label = torch.cuda.get_device_name().replace(" ", "-").lower()
    write_json(Path(f"benchmarks/results/gpu-{label}.json"), result)


if __name__ == "__main__":
    main()
