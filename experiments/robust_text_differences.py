"""What hardening and UEGR's default change against plain fine-tuning, on test data, for docs/robust_text_results.md."""

import textwrap
from collections.abc import Mapping
from statistics import mean
from typing import Any

from experiments.number_text import signed
from experiments.robust_text import COLUMNS, finished
from uegr.compare.grid_summary import SIGNIFICANCE
from uegr.compare.grid_table import markdown
from uegr.evaluation.data_slices import CLASS
from uegr.evaluation.statistics import compare_paired, estimate, holm
from uegr.runs.run_result import RunResult

MEASURES = [name for name in COLUMNS if name != "FLOPs ×"]
LOWER_IS_BETTER = ("ECE",)
SHORT = ("DeepWordBug", "synonyms", "typos", "clean")
"""The measures of the guide's short table."""
State = tuple[str, str]
"""Model and method."""
States = dict[State, dict[int, RunResult]]
"""The runs of each state by seed."""


def differences_table(file: str) -> str:
    """Each state of a grid minus its first, as Markdown, one table per task.

    In points, with the 95 % interval of the mean over the seeds; marked where p of the paired t-test over the seeds is
    below 0.05 after Holm's correction within the task.
    """
    return "\n\n".join(_of_task(task, runs) for task, runs in _runs_by_task(file).items())


def gains_table(file: str) -> str:
    """The mean differences of the same states in a few measures, as Markdown, in points: in each cell one per task."""
    by_task = _runs_by_task(file)
    first, *states = next(iter(by_task.values()))

    def gain(runs: States, state: State, name: str) -> str:
        own, base = runs[state], runs[first]
        seeds = own.keys() & base.keys()
        return f"{mean(COLUMNS[name](own[seed]) - COLUMNS[name](base[seed]) for seed in seeds):+.1f}"

    rows = [
        [", ".join(state), *(" / ".join(gain(runs, state, name) for runs in by_task.values()) for name in SHORT)]
        for state in states
    ]
    return markdown(["encoder, method", *SHORT], rows)


def _runs_by_task(file: str) -> dict[str, States]:
    """Task -> its runs by model and method, then by seed."""
    by_task: dict[str, States] = {}
    for slot in finished((file,)):
        if slot.result:
            runs = by_task.setdefault(slot.task, {}).setdefault((slot.model, slot.method), {})
            runs[slot.seed] = slot.result
    return by_task


def _of_task(task: str, runs: States) -> str:
    (_, base), *states = runs.items()
    shared = {state: sorted(base.keys() & of_state.keys()) for state, of_state in states}
    comparisons = {
        (state, name): compare_paired(
            [COLUMNS[name](of_state[seed]) for seed in shared[state]],
            [COLUMNS[name](base[seed]) for seed in shared[state]],
        )
        for state, of_state in states
        for name in MEASURES
    }
    adjusted = dict(zip(comparisons, holm([comparison.p for comparison in comparisons.values()]), strict=True))

    def cell(state: tuple[str, str], name: str) -> str:
        difference = comparisons[state, name].difference
        better = (difference.mean < 0) == (name in LOWER_IS_BETTER)
        mark = (" ▲" if better else " ▼") if adjusted[state, name] < SIGNIFICANCE else ""
        return signed(difference, scale=1) + mark

    rows = [
        [f"{model}, {method}, n {len(shared[model, method])}", *(cell((model, method), name) for name in MEASURES)]
        for (model, method), _ in states
    ]
    table = markdown([f"{task}: minus plain as it is", *MEASURES], rows)
    return table if next(iter(base.values())).metric == "accuracy" else f"{table}\n\n{_rare_class(runs)}"


def _rare_class(runs: Mapping[tuple[str, str], Mapping[int, RunResult]]) -> str:
    """What happens to the class with the fewest texts, where accuracy would hide it: each state minus plain as it is,
    and minus plain on the same encoder."""
    (first, base), *states = runs.items()
    classes = [part for part in next(iter(base.values())).slices if part["slice"].startswith(CLASS)]
    rare = min(classes, key=lambda part: part["examples"])

    def difference(own: Mapping[int, RunResult], other: Mapping[int, RunResult]) -> str:
        seeds = own.keys() & other.keys()
        return signed(estimate([_recall(own[seed], rare) - _recall(other[seed], rare) for seed in sorted(seeds)]))

    parts = [f"{model}, {method} {difference(of_state, base)}" for (model, method), of_state in states]
    parts += [
        f"{model}, {method} minus plain there {difference(of_state, runs[model, first[1]])}"
        for (model, method), of_state in states
        if method != first[1] and model != first[0]
    ]
    text = f"Recall of the {rare['slice']} ({rare['examples']} texts), minus plain as it is: {'; '.join(parts)}."
    return textwrap.fill(text, 120, break_on_hyphens=False)


def _recall(run: RunResult, rare: Mapping[str, Any]) -> float:
    return float(next(part["accuracy"] for part in run.slices if part["slice"] == rare["slice"]))
