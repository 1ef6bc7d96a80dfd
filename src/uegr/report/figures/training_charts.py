"""What happened while training: the terms of the loss, the divergence of the passes, the selective update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.ticker import MaxNLocator

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, legend, look
from uegr.report.run_groups import Group, first_shown
from uegr.runs.training_log import Series, logged, series

LOSSES = {"loss": "loss", "adversarial_loss": "adversarial", "clean_loss": "clean"}
"""Logged name -> what to call it. The first is the whole loss, which every method has."""
TOTALS = ("train_loss", "eval_loss")
"""Logged by the Trainer about the whole training, which is no term of a step's loss."""
TABLE_ROWS = 12


def loss_charts(groups: Sequence[Group]) -> list[Chart]:
    """The loss of every group in one figure, and for each group with several terms one of them."""
    whole = {group.label: (group, series(group.first, "loss")) for group in groups}
    looks = {name: look(group.at) for name, (group, _) in whole.items()}
    found = [
        _lines(
            "loss",
            "Loss over training",
            "loss (nats)",
            {name: points for name, (_, points) in whole.items()},
            looks,
            "Mean training loss between two entries of the log; methods with more terms have a larger "
            "loss by definition. " + first_shown(groups),
        )
    ]
    for group in groups:
        names = [
            name
            for name in logged(group.first, "")
            if name in LOSSES or (name.endswith("_loss") and name not in TOTALS)
        ]
        if len(names) > 1:
            terms = {
                LOSSES.get(name, name.removesuffix("_loss").replace("_", " ")): series(group.first, name)
                for name in names
            }
            caption = (
                f"{group.label}, {group.seeds}. The terms are those of the last batch before each entry of the log."
            )
            found.append(
                _lines(
                    f"loss-terms-{group.at}", f"Loss terms: {group.label}", "loss (nats)", terms, _looks(terms), caption
                )
            )
    return [chart for chart in found if chart]


def divergence_charts(groups: Sequence[Group]) -> list[Chart]:
    """For each group whose sub-models are compared: the divergence, and what each pass adds to it."""
    found = []
    for group in groups:
        names = {"divergence": "mean (JS)"}
        names |= {
            name: name.removeprefix("divergence_").replace("_", " ") for name in logged(group.first, "divergence_")
        }
        terms = {title: series(group.first, name) for name, title in names.items()}
        caption = (
            f"{group.label}, {group.seeds}. Each pass: KL(P_i || mean P) of its output distribution from the mean "
            "of all; the Jensen-Shannon divergence is the mean over the passes. Last batch before each entry "
            "of the log."
        )
        title = f"Divergence of the passes: {group.label}"
        found.append(_lines(f"divergence-{group.at}", title, "divergence (nats)", terms, _looks(terms), caption))
    return [chart for chart in found if chart]


def selection_charts(groups: Sequence[Group]) -> list[Chart]:
    """Update share and mask churn, one figure each, one curve a group."""
    shown = {
        "update_share": (
            "Update share",
            "elements updated a step (%)",
            "Expected share of the selectable elements that one step updates; measured at each renewal of the ranks.",
        ),
        "mask_churn": (
            "Mask churn",
            "elements treated otherwise (%)",
            "Expected share of elements that a mask drawn now and one drawn before the last renewal of the ranks treat "
            "differently; masks drawn twice from the same probabilities p differ too, in 2p(1 - p) of the elements.",
        ),
    }
    charts = []
    for name, (title, unit, caption) in shown.items():
        curves = {group.label: series(group.first, name) for group in groups}
        percent = {label: (steps, [100 * one for one in values]) for label, (steps, values) in curves.items()}
        looks = {group.label: look(group.at) for group in groups}
        charts.append(_lines(name.replace("_", "-"), title, unit, percent, looks, f"{caption} {first_shown(groups)}"))
    return [chart for chart in charts if chart]


def _lines(
    name: str, title: str, unit: str, curves: Mapping[str, Series], looks: Mapping[str, dict[str, Any]], caption: str
) -> Chart | None:
    """One line a series over the training steps; None if every series is empty."""
    curves = {label: points for label, points in curves.items() if points[0]}
    if not curves:
        return None
    figure, axes = canvas(2.9)
    marks = []
    for label, (steps, values) in curves.items():
        axes.plot(steps, values, **{**looks[label], "markersize": 4, "markevery": max(1, len(steps) // 12)})
        marks += [Mark(axes, x, y, f"{label}: {y:.4g} at step {x}") for x, y in zip(steps, values, strict=True)]
    axes.set_xlabel("training step")
    axes.set_ylabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    heights = [mark.y for mark in marks]
    axes.set_ylim(min(0.0, *heights), 1.08 * max(0.0, *heights) or 1.0)
    legend(figure, [(label, looks[label]) for label in curves])
    steps = sorted({step for points in curves.values() for step in points[0]})
    every = max(1, -(-len(steps) // TABLE_ROWS))
    kept = [step for at, step in enumerate(steps) if at % every == 0 or step == steps[-1]]
    cells = {label: {x: f"{y:.4g}" for x, y in zip(*points, strict=True)} for label, points in curves.items()}
    told = "; ".join(f"{label} from {values[0]:.3g} to {values[-1]:.3g}" for label, (_, values) in curves.items())
    return Chart(
        name=name,
        title=title,
        alt=f"{title}, {unit}, over the training steps: {told}.",
        caption=caption,
        figure=figure,
        headings=["step", *curves],
        rows=[[str(step), *(cells[label].get(step, "–") for label in curves)] for step in kept],
        marks=marks,
    )


def _looks(terms: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: look(at) for at, name in enumerate(terms)}
