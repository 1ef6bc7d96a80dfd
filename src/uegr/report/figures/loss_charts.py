"""The loss over the training, and its terms."""

from collections.abc import Sequence

from uegr.report.figures.chart import Chart
from uegr.report.figures.lines_over_steps import training_lines
from uegr.report.run_groups import Group, first_shown

LOSSES = {"loss": "loss", "pass_loss": "k passes", "adversarial_loss": "adversarial", "clean_loss": "clean"}
"""Logged name -> title. The first is the whole loss, which every method has. UEGR's pass_loss was called
adversarial_loss in earlier versions."""
TOTALS = ("train_loss", "eval_loss")
"""Logged by the Trainer about the whole training; not terms of the loss of a step."""


def charts(groups: Sequence[Group]) -> list[Chart]:
    """The loss of every group in one figure, and for each group with several terms a figure of them."""
    drawn = training_lines(
        "loss",
        "Loss over training",
        "loss (nats)",
        {group.label: group.first.series("loss") for group in groups},
        "Mean training loss between two entries of the log. Methods with more terms have a larger loss by definition. "
        + first_shown(groups),
        {group.label: group.index for group in groups},
    )
    for group in groups:
        names = [
            name for name in group.first.logged("") if name in LOSSES or (name.endswith("_loss") and name not in TOTALS)
        ]
        if len(names) > 1:
            terms = {
                LOSSES.get(name, name.removesuffix("_loss").replace("_", " ")): group.first.series(name)
                for name in names
            }
            caption = f"{group.label}, {group.seeds}. The terms are those of the last step before each log entry."
            title = f"Loss terms: {group.label}"
            drawn += training_lines(f"loss-terms-{group.index}", title, "loss (nats)", terms, caption)
    return drawn
