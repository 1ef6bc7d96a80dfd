"""The table of a run's metrics on other tasks."""

from rich.box import SIMPLE
from rich.table import Table

from uegr.modeling.metrics import METRICS, metric_title
from uegr.runs.run_result import RunResult


def transfer_table(result: RunResult) -> Table:
    """Return each other task with its published metric, on all its texts and on those not in the training data."""
    caption = "seen: texts of the training data (case, punctuation, spacing ignored); nearly: those that resemble one"
    headings = ["measured on", "metric", "value", "examples", "seen", "nearly", "on the unseen"]
    is_hardened = any("hardening" in entry["leakage"] for entry in result.transfer)
    if is_hardened:
        caption += "; hardening: texts of the hardening"
        headings.append("hardening")
    table = Table(title="other tasks", caption=caption, box=SIMPLE, padding=(0, 1), pad_edge=False)
    for column, heading in enumerate(headings):
        table.add_column(heading, justify="right" if column > 1 else "left", overflow="fold")
    for entry in result.transfer:
        metric, leakage, unseen = entry["metric"], entry["leakage"], entry["unseen"]
        table.add_row(
            entry["task"],
            metric_title(metric, entry.get("positive_label")),
            METRICS[metric].text(entry["metrics"][metric]),
            f"{entry['test_examples']:,}",
            f"{leakage['exact']:,}",
            f"{leakage['near'] - leakage['exact']:,}",
            "–" if unseen[metric] is None else f"{METRICS[metric].text(unseen[metric])} of {unseen['examples']:,}",
            *([f"{leakage['hardening']:,}" if "hardening" in leakage else "–"] if is_hardened else []),
        )
    return table
