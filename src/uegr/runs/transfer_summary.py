"""The table of a run's metrics on other tasks, and the sentences about texts that are in the training data."""

from rich.box import SIMPLE
from rich.table import Table

from uegr.evaluation.length_baseline import REPORTED_AUC
from uegr.modeling.metrics import metric_title, show
from uegr.runs.run_result import RunResult


def transfer_table(result: RunResult) -> Table:
    """Return each other task with its published metric, on all its texts and on those not in the training data."""
    caption = "seen: texts of the training data, but for case, punctuation and spacing; nearly: those that resemble one"
    table = Table(title="other tasks", caption=caption, box=SIMPLE, padding=(0, 1), pad_edge=False)
    for column, heading in enumerate(("measured on", "metric", "value", "examples", "seen", "nearly", "on the unseen")):
        table.add_column(heading, justify="right" if column > 1 else "left", overflow="fold")
    for entry in result.transfer:
        metric, leakage, unseen = entry["metric"], entry["leakage"], entry["unseen"]
        table.add_row(
            entry["task"],
            metric_title(metric, entry.get("positive_label")),
            show(metric, entry["metrics"][metric]),
            f"{entry['test_examples']:,}",
            f"{leakage['exact']:,}",
            f"{leakage['near'] - leakage['exact']:,}",
            "–" if unseen[metric] is None else f"{show(metric, unseen[metric])} of {unseen['examples']:,}",
        )
    return table


def leakage_line(result: RunResult) -> str:
    """Return one sentence on the overlap of the training texts with the run's own evaluation texts."""
    seen = result.leakage
    if seen is None:
        return "leakage: not measured."
    return (
        f"leakage: of {seen['examples']:,} {result.split or 'test'} texts {seen['exact']:,} are in the training data "
        f"and {seen['near'] - seen['exact']:,} more are nearly equal to one (word pairs, Jaccard "
        f"{seen['similarity']:g} or more)."
    )


def length_line(result: RunResult) -> str:
    """Return one sentence on how well the lengths of the texts predict their classes; empty where they do not."""
    baseline = result.length_baseline
    if baseline is None or baseline["auc"] < REPORTED_AUC:
        return ""
    accuracy = f"{100 * baseline['accuracy']:.1f} % accuracy (AUC {baseline['auc']:.2f})"
    return f"length alone: a classifier that sees nothing but the lengths of the texts reaches {accuracy}."


def unchanged_line(result: RunResult) -> str:
    """Return one sentence on texts that no typing error can change; empty where there are none."""
    if not result.typo_unchanged:
        return ""
    return f"typing errors: no word of {result.typo_unchanged:,} of {result.test_examples:,} texts can be changed."
