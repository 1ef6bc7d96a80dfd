"""The selective update over the training: which share is updated, and how much the masks change."""

from collections.abc import Sequence

from uegr.report.figures.chart import Chart
from uegr.report.figures.lines_over_steps import training_lines
from uegr.report.run_groups import Group, first_shown

SHOWN = {
    "update_share": (
        "Update share",
        "elements updated per step (%)",
        "Expected share of the selectable elements that one step updates; measured whenever the ranks are computed.",
    ),
    "mask_churn": (
        "Mask churn",
        "elements that differ (%)",
        "Expected share of elements in which a mask drawn now differs from one drawn before the ranks were last "
        "computed. Two masks drawn from the same probabilities p differ in 2p(1 - p) of the elements.",
    ),
}
"""Logged name -> title, unit and caption."""


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Update share and mask churn, one figure each, one curve per group."""
    drawn = []
    indices = {group.label: group.index for group in groups}
    for name, (title, unit, explanation) in SHOWN.items():
        curves = {group.label: group.first.series(name) for group in groups}
        percent = {label: (steps, [100 * value for value in values]) for label, (steps, values) in curves.items()}
        caption = f"{explanation} {first_shown(groups)}"
        drawn += training_lines(name.replace("_", "-"), title, unit, percent, caption, indices)
    return drawn
