"""Does an adversary that edits text in training help against greedy attacks on text? Plain against UEGR, k = 1.

    python -m benchmarks.text_adversary run [SEED ...]   train, measure and attack what has no result yet
    python -m benchmarks.text_adversary table            write the table into docs/methods/uegr.md

Rotten Tomatoes, 2,000 training sentences; DeepWordBug and greedy synonyms on 200 test sentences drawn once. Results
are committed, one JSON a run, in results/text_adversary.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.document import replace_block, spread
from uegr.atomic_files import write_json
from uegr.data.data_source import DataSource
from uegr.libraries import silence_libraries
from uegr.runs.attack import attack_run
from uegr.runs.evaluate import evaluate_run
from uegr.runs.run_folder import RUN, document, read_results, read_run
from uegr.runs.run_result import RunResult
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig

SEEDS = (0, 1, 2)
RESULTS, RUNS, PAGE = Path("results/text_adversary"), Path("runs/text_adversary"), Path("docs/methods/uegr.md")
ATTACKS, EXAMPLES = ("deepwordbug", "synonyms"), 200
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("plain", {}),
    "embeddings": ("uegr", {"passes": 1, "epsilon": 0.2}),
    "embeddings and text": ("uegr", {"passes": 1, "epsilon": 0.2, "text": "both"}),
}


def run(seeds: list[int]) -> None:
    """Every variant of these seeds that has no result yet; an interrupted run goes on."""
    for seed in seeds or SEEDS:
        for name, (method, options) in VARIANTS.items():
            result, folder = RESULTS / file_name(name, seed), RUNS / f"{name}-{seed}"
            if result.exists():
                continue
            data = DataSource(task="rotten_tomatoes", max_train_examples=2000, max_test_examples=1000)
            config = RunConfig(data=data, method=method, options=options, seed=seed)
            if not ((folder / RUN).exists() and read_run(folder).get("finished")):
                train_run(config, folder, resume=True)
            evaluate_run(folder, attack_examples=EXAMPLES, epsilons=(0.0, 0.02, 0.035))
            attacked = attack_run(folder, ATTACKS, examples=EXAMPLES)
            write_json(result, document([attacked.to_dict()]))
            print(name, seed, attacked.metrics, [attack.accuracy for attack in attacked.text_attacks], flush=True)


def file_name(variant: str, seed: int) -> str:
    """Of a result."""
    return f"{variant.replace(' ', '-')}-{seed}.json"


def table() -> str:
    """Mean and standard deviation over the seeds that are there, in percent, as Markdown."""
    lines = [
        "| adversary | seeds | clean | typos | DeepWordBug | synonyms | PGD 0.035 | ECE | FLOPs × |",
        "|---" * 9 + "|",
    ]
    for name in VARIANTS:
        paths = [RESULTS / file_name(name, seed) for seed in SEEDS]
        runs = [read_results(path)[0] for path in paths if path.exists()]
        if not runs:
            continue
        after = {key: [_after(run, key) for run in runs] for key in ATTACKS}
        columns = [
            [run.metrics["accuracy"] for run in runs],
            [run.metrics["typo_accuracy"] for run in runs],
            *after.values(),
            [run.robustness.values[-1] for run in runs],
        ]
        cells = [spread([100 * value for value in column], 1) for column in columns]
        cells += [spread([run.metrics["ece"] for run in runs], 3), f"{runs[0].cost.flop_ratio:.2f}"]
        lines.append(f"| {name} | {len(runs)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _after(result: RunResult, name: str) -> float:
    return next(attack.accuracy for attack in result.text_attacks if attack.attack == name)


def main() -> None:
    """Entry point."""
    command, *seeds = sys.argv[1:] or ["table"]
    silence_libraries()
    if command == "run":
        run([int(seed) for seed in seeds])
        return
    replace_block(PAGE, "text", table())


if __name__ == "__main__":
    main()
