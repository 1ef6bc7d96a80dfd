"""Does an adversary that edits text during training help against greedy attacks on text? Plain against UEGR, k = 1.

    python -m experiments.text_adversary [SEED ...]    train, measure and attack what has no result yet

Rotten Tomatoes, 2,000 training sentences; DeepWordBug and greedy synonyms on 200 test sentences, drawn once. The
results are in results/text_adversary.jsonl; `make results` writes the table into docs/methods/uegr.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from experiments.number_text import spread
from experiments.paths import RESULTS
from uegr.atomic_files import write_text
from uegr.compare.result_slot import ResultSlot, Run, read_slots, text_of
from uegr.data.data_source import DataSource
from uegr.libraries import silence_libraries
from uegr.runs.attack import attack_run
from uegr.runs.evaluate import evaluate_run
from uegr.runs.run_folder import RUN, read_run
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig

SEEDS = (0, 1, 2)
FILE, RUNS = RESULTS / "text_adversary.jsonl", Path("runs/text_adversary")
ATTACKS, EXAMPLES = ("deepwordbug", "synonyms"), 200
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("plain", {}),
    "embeddings": ("uegr", {"passes": 1, "epsilon": 0.2}),
    "embeddings and text": ("uegr", {"passes": 1, "epsilon": 0.2, "text": "both"}),
}


def run(seeds: list[int]) -> None:
    """Run every variant that has no result for these seeds; an interrupted run continues."""
    for seed in seeds or SEEDS:
        for variant, (method, options) in VARIANTS.items():
            slots, folder = read_slots(FILE), RUNS / f"{variant}-{seed}"
            if any((slot.method, slot.seed) == (variant, seed) for slot in slots):
                continue
            data = DataSource(task="rotten_tomatoes", max_train_examples=2000, max_test_examples=1000)
            config = RunConfig(data=data, method=method, options=options, seed=seed)
            if not ((folder / RUN).exists() and read_run(folder).get("finished")):
                train_run(config, folder, resume=True)
            evaluate_run(folder, attack_examples=EXAMPLES, epsilons=(0.0, 0.02, 0.035))
            result = attack_run(folder, ATTACKS, examples=EXAMPLES).to_dict()
            slots.append(ResultSlot(result["task"], result["model"], variant, seed, {}, result))
            write_text(FILE, text_of(slots))
            print(variant, seed, result["metrics"], flush=True)


def text_adversary_table() -> str:
    """Mean and standard deviation over the seeds, in percent, as Markdown."""
    lines = [
        "| adversary | seeds | clean | typos | DeepWordBug | synonyms | PGD 0.035 | ECE | FLOPs × |",
        "|---" * 9 + "|",
    ]
    slots = read_slots(FILE)
    for variant in VARIANTS:
        runs = [slot.run for slot in slots if slot.method == variant and slot.run is not None]
        columns = [
            [run["metrics"]["accuracy"] for run in runs],
            [run["metrics"]["typo_accuracy"] for run in runs],
            *([_accuracy_under(run, name) for run in runs] for name in ATTACKS),
            [run["robustness"]["accuracy"][-1] for run in runs],
        ]
        cells = [spread([100 * value for value in column], 1) for column in columns]
        cells += [spread([run["metrics"]["ece"] for run in runs], 3), f"{runs[0]['cost']['flop_ratio']:.2f}"]
        lines.append(f"| {variant} | {len(runs)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _accuracy_under(run: Run, name: str) -> float:
    return float(next(result["accuracy"] for result in run["text_attacks"] if result["attack"] == name))


if __name__ == "__main__":
    silence_libraries()
    run([int(seed) for seed in sys.argv[1:]])
