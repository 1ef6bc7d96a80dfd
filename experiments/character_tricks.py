"""The table of docs/gate.md: accuracy on texts as people send them, with and without a normalizer in the tokenizer."""

from experiments.number_text import spread
from experiments.paths import RESULTS
from experiments.run_numbers import accuracy_under, mean_under
from uegr.compare.result_slot import read_slots

FILE = RESULTS / "character_tricks.jsonl"


def character_tricks_table() -> str:
    """Mean and standard deviation of the accuracy over the seeds, in percent, as Markdown."""
    slots = [slot for slot in read_slots(FILE) if slot.result is not None]
    methods = list(dict.fromkeys(slot.method for slot in slots))
    parts = []
    for task in dict.fromkeys(slot.task for slot in slots):
        runs = {
            m: [slot.result for slot in slots if (slot.task, slot.method) == (task, m) and slot.result] for m in methods
        }
        runs = {method: group for method, group in runs.items() if group}
        first = next(iter(runs.values()))[0]
        names = [attack.attack for attack in first.text_attacks]
        examples = first.text_attacks[0].examples
        seeds = max(map(len, runs.values()))
        parts.append(
            f"**{task}**, 1,000 training texts, {seeds} seed{'s' * (seeds > 1)}, {examples} test texts, rate 0.3:"
        )
        parts.append(f"| | {' | '.join(runs)} |\n|---|{'---:|' * len(runs)}")
        rows = {"clean": [[run.metrics["accuracy"] for run in group] for group in runs.values()]}
        rows |= {name: [[accuracy_under(run, name) for run in group] for group in runs.values()] for name in names}
        rows["mean of the twelve"] = [[mean_under(run, names) for run in group] for group in runs.values()]
        for name, groups in rows.items():
            cells = " | ".join(spread([100 * value for value in group], 1) for group in groups)
            parts[-1] += f"\n| {name} | {cells} |"
    return "\n\n".join(parts)
