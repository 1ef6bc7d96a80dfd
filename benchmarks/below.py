"""UEGR below the arithmetic of its step: what each way costs in accuracy, on two tasks, five seeds.

    python -m benchmarks.below run       train and measure what is not measured yet
    python -m benchmarks.below table     write the table into docs/performance.md

500 training sentences, 3 epochs, all-MiniLM-L6-v2; 500 test sentences, 300 of them attacked. One JSON a task, with
every run, in benchmarks/results; runs themselves go to runs/below.

"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from benchmarks.document import replace_block
from uegr.atomic import write_json
from uegr.measure import measure
from uegr.methods import create_method
from uegr.tasks.source import DataSource
from uegr.terminal import quieten
from uegr.training.run import RunConfig, train

TASKS, SEEDS, EPSILONS = ("rotten_tomatoes", "sst2"), range(5), (0.035,)
RUNS, RESULTS = Path("runs/below"), Path("benchmarks/results")
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "uegr": ("uegr", {}),
    "every 3": ("uegr", {"every": 3}),
    "warmup 0.6": ("uegr", {"warmup": 0.6}),
    "plain": ("plain", {}),
}


def run() -> None:
    """All seeds of all variants, seed by seed, so that an interruption leaves whole seeds."""
    for seed in SEEDS:
        for task in TASKS:
            path = RESULTS / f"below-{task}.json"
            runs = json.loads(path.read_text()) if path.exists() else []
            for name in VARIANTS:
                if any(one["variant"] == name and one["seed"] == seed for one in runs):
                    continue
                runs.append(_one(name, task, seed))
                write_json(path, runs)
                print(runs[-1], flush=True)


def _one(name: str, task: str, seed: int) -> dict[str, Any]:
    method, options = VARIANTS[name]
    data = DataSource(task=task, max_train_examples=500, max_test_examples=500)
    config = RunConfig(data=data, method=method, options=options, seed=seed)
    folder = RUNS / f"{task}-{name}-{seed}".replace(" ", "_")
    arithmetic = create_method(method, **options).cost() / 3
    # The step's own cost belongs in the benchmark of the steps; here only the arithmetic is of use.
    run = train(config, folder, overwrite=True, cost={"flop_ratio": arithmetic, "time_ratio": arithmetic})
    entry = measure(folder, epsilons=EPSILONS, attack_examples=300)
    shutil.rmtree(folder)
    robust = dict(zip(entry["robustness"]["epsilons"], entry["robustness"]["accuracy"], strict=True))
    return {
        "variant": name,
        "task": task,
        "seed": seed,
        "arithmetic": arithmetic,
        "seconds": run["cost"]["seconds"],
        "accuracy": entry["metrics"]["accuracy"],
        "robust": [robust[one] for one in EPSILONS],
    }


def table() -> str:
    """Differences from full UEGR, paired by seed, with 95 % intervals of Student's t, as Markdown."""
    heads = ["task", "variant", "seeds", "arithmetic ×", "accuracy %", "difference"]
    heads += [f"{text} {one:g}" for one in EPSILONS for text in ("PGD", "difference at")]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for task in TASKS:
        path = RESULTS / f"below-{task}.json"
        runs = json.loads(path.read_text()) if path.exists() else []
        scores = {(one["variant"], one["seed"]): [one["accuracy"], *one["robust"]] for one in runs}
        seeds = [seed for seed in SEEDS if all((one, seed) in scores for one in VARIANTS)]
        if len(seeds) < 2:
            lines.append(f"| {task} | not measured yet: `python -m benchmarks.below run` |" + " |" * (len(heads) - 2))
            continue
        for name in VARIANTS:
            arithmetic = next(one["arithmetic"] for one in runs if one["variant"] == name)
            cells = [task, name, str(len(seeds)), f"{arithmetic:.2f}"]
            for at in range(1 + len(EPSILONS)):
                values = np.array([100 * scores[name, seed][at] for seed in seeds])
                base = np.array([100 * scores["uegr", seed][at] for seed in seeds])
                cells += [f"{values.mean():.1f}", "" if name == "uegr" else _interval(values - base)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _interval(differences: np.ndarray) -> str:
    width = stats.t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / len(differences) ** 0.5
    return f"{differences.mean():+.1f} ± {width:.1f}"


def main() -> None:
    """Entry point."""
    quieten()
    torch.set_num_threads(1)
    if sys.argv[1:] == ["run"]:
        run()
    else:
        replace_block(Path("docs/performance.md"), "below", table())


if __name__ == "__main__":
    main()
