"""Rotten Tomatoes, 2,000 sentences, plain against UEGR and UEGR without each of its parts, three seeds.

    python -m benchmarks.main_job run [VARIANT ...]     train and measure what is not measured yet
    python -m benchmarks.main_job cost                  measure step costs anew, on a machine that does nothing else
    python -m benchmarks.main_job table                 write the table into README.md

Results are committed, one JSON a run, in results/main_job; runs themselves go to runs/main_job.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.document import replace_block, spread
from uegr.atomic import write_json
from uegr.measure import measure
from uegr.methods import create_method
from uegr.models.loading import EMBEDDED_MODEL, load_classifier, load_tokenizer
from uegr.report.results import document, read_results
from uegr.tasks.encoding import batches, encode
from uegr.tasks.source import DataSource
from uegr.terminal import quieten
from uegr.training.cost import measure_cost
from uegr.training.folder import RUN, read_run
from uegr.training.precision import use_bf16
from uegr.training.run import RunConfig, train

SEEDS = (0, 1, 2)
RESULTS, RUNS, README = Path("results/main_job"), Path("runs/main_job"), Path("README.md")
RAMP = {"epsilon": 0.06, "ramp": 0.5, "by_confidence": False}
"""What the defaults were when the runs were made."""
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("plain", {}),
    "uegr": ("uegr", RAMP),
    "adversary-off": ("uegr", {"adversary": False}),
    "js-off": ("uegr", {**RAMP, "js_weight": 0.0}),
    "one-pass": ("uegr", {**RAMP, "passes": 1}),
    "selection-off": ("uegr", {**RAMP, "p_min": 1.0}),
}


def run(names: list[str]) -> None:
    """Train and measure every variant and seed that has no result yet; an interrupted run goes on."""
    for seed in SEEDS:
        for name in names or VARIANTS:
            result, folder = RESULTS / f"{name}-{seed}.json", RUNS / f"{name}-{seed}"
            if result.exists():
                continue
            method, options = VARIANTS[name]
            data = DataSource(task="rotten_tomatoes", max_train_examples=2000, max_test_examples=1000)
            config = RunConfig(data=data, method=method, options=options, seed=seed)
            if not ((folder / RUN).exists() and read_run(folder).get("finished")):
                train(config, folder, resume=True)
            entry = measure(folder)
            write_json(result, document([entry]))
            print(name, seed, entry["metrics"], entry["robustness"]["accuracy"], entry["cost"], flush=True)


def remeasure() -> None:
    """Write step costs, measured on a batch of median length, into the results; training seconds stay."""
    data = DataSource(task="rotten_tomatoes", max_train_examples=2000).load(0)
    tokenizer = load_tokenizer(EMBEDDED_MODEL)
    model = load_classifier(EMBEDDED_MODEL, data.label_names, 0)
    ordered = [batch for _, batch in batches(encode(data.train, tokenizer, data.text_columns, 128), tokenizer, 32)]
    batch = ordered[len(ordered) // 2]
    bf16 = use_bf16("auto")
    for name, (method, options) in VARIANTS.items():
        cost = measure_cost(
            model, batch, create_method(method, **options), lambda: torch.autocast("cpu", torch.bfloat16, enabled=bf16)
        )
        print(name, cost, flush=True)
        for path in sorted(RESULTS.glob(f"{name}-*.json")):
            entry = read_results(path)[0]
            write_json(path, document([{**entry, "cost": {**entry["cost"], **cost}}]))


def table() -> str:
    """Mean and standard deviation over the seeds, as Markdown."""
    groups = {
        name: [
            read_results(RESULTS / f"{name}-{seed}.json")[0]
            for seed in SEEDS
            if (RESULTS / f"{name}-{seed}.json").exists()
        ]
        for name in VARIANTS
    }
    groups = {name: runs for name, runs in groups.items() if runs}
    first = groups["plain"][0]
    epsilons = [one for one in first["robustness"]["epsilons"] if one > 0]
    heads = [
        "variant",
        "seeds",
        "accuracy %",
        *(f"PGD {one:g}" for one in epsilons),
        "typos %",
        "ECE",
        "NLL",
        "FLOPs ×",
        "time ×",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, runs in groups.items():
        cells = [name, str(len(runs)), spread([100 * one["metrics"]["accuracy"] for one in runs], 1)]
        for epsilon in epsilons:
            at = first["robustness"]["epsilons"].index(epsilon)
            cells.append(spread([100 * one["robustness"]["accuracy"][at] for one in runs], 1))
        cells.append(spread([100 * one["metrics"]["typo_accuracy"] for one in runs], 1))
        cells += [spread([one["metrics"][key] for one in runs], 3) for key in ("ece", "nll")]
        cells += [f"{statistics.mean(one['cost'][key] for one in runs):.2f}" for key in ("flop_ratio", "time_ratio")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    command, *names = sys.argv[1:] or ["table"]
    quieten()
    if command == "run":
        run(names)
        return
    if command == "cost":
        remeasure()
        return
    replace_block(README, "main_job", table())


if __name__ == "__main__":
    main()
