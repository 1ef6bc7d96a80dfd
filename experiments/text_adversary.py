"""The table of a removed option: an adversary that edited text during training, beside plain and UEGR with k = 1.

Rotten Tomatoes, 2,000 training sentences; DeepWordBug and greedy synonyms on 200 test sentences, drawn once.
"""

from __future__ import annotations

from experiments.number_text import spread
from experiments.paths import RESULTS
from experiments.run_numbers import accuracy_under
from uegr.compare.result_slot import read_slots

FILE = RESULTS / "text_adversary.jsonl"
ATTACKS, VARIANTS = ("deepwordbug", "synonyms"), ("plain", "embeddings", "embeddings and text")


def text_adversary_table() -> str:
    """Mean and standard deviation over the seeds, in percent, as Markdown."""
    lines = [
        "| adversary | seeds | clean | typos | DeepWordBug | synonyms | PGD 0.035 | ECE | FLOPs × |",
        "|---" * 9 + "|",
    ]
    slots = read_slots(FILE)
    for variant in VARIANTS:
        runs = [slot.result for slot in slots if slot.method == variant and slot.result is not None]
        columns = [
            [run.metrics["accuracy"] for run in runs],
            [run.metrics["typo_accuracy"] for run in runs],
            *([accuracy_under(run, name) for run in runs] for name in ATTACKS),
            [run.robustness.values[-1] for run in runs],
        ]
        cells = [spread([100 * value for value in column], 1) for column in columns]
        cells += [spread([run.metrics["ece"] for run in runs], 3), f"{runs[0].cost.flop_ratio:.2f}"]
        lines.append(f"| {variant} | {len(runs)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
