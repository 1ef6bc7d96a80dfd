"""The table of runs, from one list of measures: the terminal prints it, the page shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from uegr.report.results import label

Run = dict[str, Any]
FEW = 4
"""Up to so many runs stand side by side as columns, which a narrow screen can hold; more stand as rows."""


def measures(runs: Sequence[Run]) -> dict[str, Callable[[Run], str]]:
    """Heading -> text of a run's cell. Accuracies in percent; one line for each epsilon that all runs share."""
    shared = sorted(set.intersection(*({*run["robustness"]["epsilons"]} for run in runs)) - {0.0})

    def robust(epsilon: float) -> Callable[[Run], str]:
        return lambda run: _percent(run["robustness"]["accuracy"][run["robustness"]["epsilons"].index(epsilon)])

    return {
        "accuracy %": lambda run: _percent(run["metrics"]["accuracy"]),
        **{f"PGD {epsilon:g} %": robust(epsilon) for epsilon in shared},
        "typos %": lambda run: _percent(run["metrics"]["typo_accuracy"]),
        "ECE": lambda run: f"{run['metrics']['ece']:.3f}",
        "NLL": lambda run: f"{run['metrics']['nll']:.3f}",
        "time ×": lambda run: f"{run['cost']['time_ratio']:.2f}",
        "FLOPs ×": lambda run: f"{run['cost']['flop_ratio']:.2f}",
    }


def grid(runs: Sequence[Run], brief: bool = False) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: few runs as columns, many as rows; `brief` gives the latter one epsilon, the middle one."""
    cells = measures(runs)
    names = [label(run, runs) for run in runs]
    if len(runs) <= FEW:
        return ["", *names], [[heading, *(cell(run) for run in runs)] for heading, cell in cells.items()]
    if brief:
        curve = [heading for heading in cells if heading.startswith("PGD")]
        cells = {name: cell for name, cell in cells.items() if name not in curve or name == curve[len(curve) // 2]}
    rows = [[name, *(cell(run) for cell in cells.values())] for name, run in zip(names, runs, strict=True)]
    return ["", *cells], rows


def terminal_table(runs: Sequence[Run]) -> Table:
    """The runs as a rich table that eighty columns can hold."""
    headings, rows = grid(runs, brief=True)
    tasks = ", ".join(sorted({f"{run['task']}, {run['model']}" for run in runs}))
    caption = "PGD: accuracy under embedding attack at that epsilon; ×: one step, as a multiple of a plain one"
    table = Table(title=tasks, caption=caption, box=SIMPLE, padding=(0, 1), pad_edge=False)
    for at, heading in enumerate(headings):
        table.add_column(heading.replace(" %", "\n%"), justify="right" if at else "left", min_width=5 if at else 12)
    for row in rows:
        table.add_row(*row)
    return table


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
