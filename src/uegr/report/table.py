"""The table of runs: what the terminal prints and the page shows, from one list of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Table

Run = dict[str, Any]


def columns(runs: Sequence[Run]) -> dict[str, Callable[[Run], str]]:
    """Heading -> text of a run's cell. Accuracies in percent; one column for each epsilon all runs share."""
    shared = sorted(set.intersection(*({*run["robustness"]["epsilons"]} for run in runs)) - {0.0})

    def robust(epsilon: float) -> Callable[[Run], str]:
        return lambda run: _percent(run["robustness"]["accuracy"][run["robustness"]["epsilons"].index(epsilon)])

    return {
        "method": lambda run: str(run["method"]),
        "task": lambda run: str(run["task"]),
        "seed": lambda run: str(run["seed"]),
        "accuracy %": lambda run: _percent(run["metrics"]["accuracy"]),
        **{f"PGD {epsilon:g}": robust(epsilon) for epsilon in shared},
        "typos %": lambda run: _percent(run["metrics"]["typo_accuracy"]),
        "ECE": lambda run: f"{run['metrics']['ece']:.3f}",
        "NLL": lambda run: f"{run['metrics']['nll']:.3f}",
        "time ×": lambda run: f"{run['cost']['time_ratio']:.2f}",
        "FLOPs ×": lambda run: f"{run['cost']['flop_ratio']:.2f}",
    }


def terminal_table(runs: Sequence[Run]) -> Table:
    """The runs as a rich table, one row each."""
    cells = columns(runs)
    table = Table(caption="PGD: accuracy % under embedding attack at that epsilon; × : times a plain step")
    for heading in cells:
        table.add_column(heading, justify="left" if heading in ("method", "task") else "right")
    for run in runs:
        table.add_row(*(cell(run) for cell in cells.values()))
    return table


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
