"""Cost of the evaluations."""

from collections.abc import Sequence

from uegr.report.figures.bar_chart import draw_bars
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group
from uegr.runs.run_result import RunResult


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Time of each evaluation per example, in units of one forward pass of one example."""
    lengths: dict[str, dict[str, float]] = {}
    for group in groups:
        for evaluation, passes in _forward_passes(group.first).items():
            lengths.setdefault(evaluation, {})[group.label] = passes
    if not lengths:
        return []
    chart = draw_bars(
        groups,
        lengths,
        "time in forward passes per example (log)",
        name="evaluation-cost",
        title="Cost of the evaluations",
        alt="Bars of time per example, in forward passes.",
        caption="Wall time per example, in units of one forward pass of one example on the same rows in this process.",
        log=True,
    )
    return [chart]


def _forward_passes(run: RunResult) -> dict[str, float]:
    """Return name of each timed evaluation of a run -> its time per example in forward passes."""
    costs = {"robustness curve": run.robustness.cost}
    costs |= {curve.title: curve.cost for curve in run.embedding_attacks}
    costs |= {result.title: result.cost for result in run.text_attacks}
    passes = {name: cost.forward_passes for name, cost in costs.items() if cost is not None}
    for name, part in run.analysis.items():
        passes[name.replace("_", " ")] = part.get("cost", {}).get("forward_passes", 0)
    return {name: count for name, count in passes.items() if count > 0}
