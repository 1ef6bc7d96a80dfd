"""What hardening and UEGR's default change against plain fine-tuning, on test data, for docs/robust_text.md."""

from collections.abc import Sequence

from experiments.number_text import signed
from experiments.robust_text import COLUMNS, finished
from uegr.compare.grid_summary import SIGNIFICANCE
from uegr.compare.grid_table import markdown
from uegr.compare.result_slot import ResultSlot
from uegr.evaluation.statistics import compare_paired, holm
from uegr.runs.run_result import RunResult

MEASURES = [name for name in COLUMNS if name != "operations"]
LOWER_IS_BETTER = ("ECE",)


def differences_table(file: str) -> str:
    """Each state of a grid minus its first, as Markdown, one table per task.

    In points, with the 95 % interval of the mean over the seeds; marked where p of the paired t-test over the seeds is
    below 0.05 after Holm's correction within the task.
    """
    slots = finished((file,))
    return "\n\n".join(
        _of_task(task, [s for s in slots if s.task == task]) for task in dict.fromkeys(s.task for s in slots)
    )


def _of_task(task: str, slots: Sequence[ResultSlot]) -> str:
    runs: dict[tuple[str, str], dict[int, RunResult]] = {}
    for slot in slots:
        if slot.result:
            runs.setdefault((slot.model, slot.method), {})[slot.seed] = slot.result
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
    return markdown([f"{task}: minus plain as it is", *MEASURES], rows)
