"""How well the model's confidence separates texts of its task from texts of other tasks."""

from collections.abc import Sequence

from uegr.report.figures.bar_chart import draw_bars
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group, analysed

SCORES = {"max_softmax": "largest probability", "energy": "energy"}


def charts(groups: Sequence[Group]) -> list[Chart]:
    """AUROC of separating the test texts from those of other tasks, by score."""
    areas: dict[str, dict[str, float]] = {}
    counts: dict[str, int] = {}
    for group, part in analysed(groups, "ood").items():
        for task in part["tasks"]:
            counts[task["task"]] = task["examples"]
            for score, area in task["auroc"].items():
                areas.setdefault(f"{task['task']}\n{SCORES.get(score, score)}", {})[group.label] = area
    if not areas:
        return []
    chart = draw_bars(
        groups,
        areas,
        "AUROC (0.5: chance)",
        name="ood",
        title="Out of distribution",
        alt="Bars of the AUROC of separating the texts of other tasks from the test texts.",
        caption=(
            "How well the model's score separates its test texts from those of another task ("
            + ", ".join(f"{name}: {count} texts" for name, count in counts.items())
            + "). 1 is perfect, the dashed line is chance."
        ),
        digits=3,
        limit=1.0,
    )
    chart.figure.axes[0].axvline(0.5, color="#808080", linewidth=1, linestyle=(0, (4, 3)))
    return [chart]
