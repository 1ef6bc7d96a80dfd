"""The tables of docs/robust_text_results.md: what views and hardening are worth on text attacks."""

from collections.abc import Callable, Sequence

from experiments.number_text import spread
from experiments.paths import RESULTS
from experiments.run_numbers import accuracy_under, mean_under
from uegr.compare.result_slot import ResultSlot, read_slots
from uegr.modeling.metrics import METRICS
from uegr.runs.run_result import RunResult

NAMES = {"adversarial and misspelt view": "**uegr**: adversarial and misspelt view"}
"""Method of a grid -> what the table calls it."""
FILES = {"as it is": ("views.jsonl", "text.jsonl"), "hardened": ("hardened.jsonl",)}
"""State of the encoder -> the grids that were run on it; a run that two grids share counts once."""
UNSEEN = ("homoglyphs", "spaced", "leetspeak", "joined", "signs", "ocr", "harmless")
"""Perturbations that no view and no hardening of these runs was trained on. The misspellings of people are not among
them: they are as near to the word as the trained ones."""
COLUMNS: dict[str, Callable[[RunResult], float]] = {
    "clean": lambda run: 100 * run.metrics[run.metric],
    "ECE": lambda run: 100 * run.metrics["ece"],
    "typos": lambda run: 100 * run.metrics["typo_accuracy"],
    "DeepWordBug": lambda run: 100 * accuracy_under(run, "deepwordbug"),
    "synonyms": lambda run: 100 * accuracy_under(run, "synonyms"),
    "deletion": lambda run: 100 * accuracy_under(run, "deletion"),
    "mean of seven unseen": lambda run: 100 * mean_under(run, UNSEEN),
    "PGD": lambda run: 100 * run.robustness.values[-1],
    "FLOPs ×": lambda run: run.cost.flop_ratio,
}


def robust_text_table() -> str:
    """Mean and standard deviation over the seeds, in percent, as Markdown; one table per task."""
    return _tables({state: finished(files) for state, files in FILES.items()})


def table_by_encoder(file: str) -> str:
    """The same for a grid whose models are states of the encoder."""
    slots = finished((file,))
    return _tables({model: [s for s in slots if s.model == model] for model in dict.fromkeys(s.model for s in slots)})


def _tables(slots: dict[str, list[ResultSlot]]) -> str:
    tasks = dict.fromkeys(slot.task for group in slots.values() for slot in group)
    return "\n\n".join(_of_task(task, slots) for task in tasks)


def finished(files: Sequence[str]) -> list[ResultSlot]:
    """The runs of some grids; one that two grids share counts once."""
    slots = [slot for file in files for slot in read_slots(RESULTS / file) if slot.result]
    return list({(slot.task, slot.model, slot.method, slot.seed): slot for slot in slots}.values())


def _of_task(task: str, slots: dict[str, list[ResultSlot]]) -> str:
    lines = [f"| encoder | method | {' | '.join(COLUMNS)} |", f"|---|---|{'---:|' * len(COLUMNS)}"]
    counts = set()
    for state, group in slots.items():
        of_task = [slot for slot in group if slot.task == task]
        for method in dict.fromkeys(slot.method for slot in of_task):
            runs = [slot.result for slot in of_task if slot.method == method and slot.result]
            counts |= {
                (
                    r.train_examples,
                    r.test_examples,
                    r.split,
                    r.text_attacks[0].examples,
                    METRICS[r.metric].title.removesuffix(" %"),
                )
                for r in runs
            }
            digits = {name: 2 if name == "FLOPs ×" else 1 for name in COLUMNS}
            cells = " | ".join(spread([of(run) for run in runs], digits[name]) for name, of in COLUMNS.items())
            lines.append(
                f"| {state} | {NAMES.get(method, method)}, {len(runs)} seed{'s' * (len(runs) > 1)} | {cells} |"
            )
    train, evaluated, split, attacked, metric = sorted(counts)[0]
    title = (
        f"**{task}**, {train:,} training texts, {evaluated:,} {split} texts, of which {attacked} are attacked; "
        f"clean: {metric}:"
    )
    return "\n".join([title, "", *lines])
