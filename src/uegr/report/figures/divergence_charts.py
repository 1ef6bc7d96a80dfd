"""The divergence of the passes over the training."""

from collections.abc import Sequence

from uegr.report.figures.chart import Chart
from uegr.report.figures.lines_over_steps import training_lines
from uegr.report.run_groups import Group


def charts(groups: Sequence[Group]) -> list[Chart]:
    """For each group whose sub-models are compared: the divergence, and the contribution of each pass."""
    drawn = []
    for group in groups:
        names = {"divergence": "mean (JS)"}
        names |= {
            name: name.removeprefix("divergence_").replace("_", " ") for name in group.first.logged("divergence_")
        }
        drawn += training_lines(
            f"divergence-{group.index}",
            f"Divergence of the passes: {group.label}",
            "divergence (nats)",
            {title: group.first.series(name) for name, title in names.items()},
            f"{group.label}, {group.seeds}. Each pass: KL(P_i || mean P) of its output distribution from the mean of "
            "all passes. The Jensen-Shannon divergence is the mean over the passes. Last batch before each log entry.",
        )
    return drawn
