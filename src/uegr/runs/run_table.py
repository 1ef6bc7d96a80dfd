"""The table of runs, from one list of measures: the terminal prints it, the page shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from uegr.evaluation.curve_area import curve_area
from uegr.modeling.metrics import METRICS
from uegr.runs.run_result import label, primary_metric, robust_curve

Run = dict[str, Any]
ALSO = ("accuracy", "spearman", "mse", "macro_f1", "exact_match", "perplexity", "token_accuracy")
"""Shown beside the published metric, where a run has it."""
TYPOS = {"typo_accuracy": "typos %", "typo_pearson": "typos, Pearson %"}
TYPOS |= {"typo_micro_f1": "typos, micro F1 %", "typo_bleu": "typos, BLEU", "typo_perplexity": "typos, perplexity"}
FEW = 4
"""Up to so many runs stand side by side as columns, which a narrow screen can hold; more stand as rows."""


def measures(runs: Sequence[Run]) -> dict[str, Callable[[Run], str]]:
    """Heading -> text of a run's cell, a dash where it has no such number. The published metrics come first, then
    one line for each epsilon that all runs share, the area under the curve, then the rest as far as any run has it;
    shares in percent."""
    shared = sorted(set.intersection(*({*robust_curve(run)[1]} for run in runs)) - {0.0})
    end = min(robust_curve(run)[1][-1] for run in runs)

    def robust(epsilon: float) -> Callable[[Run], str]:
        def cell(run: Run) -> str:
            _, epsilons, values = robust_curve(run)
            return _percent(values[epsilons.index(epsilon)])

        return cell

    def metric(name: str) -> Callable[[Run], str]:
        show = _percent if name not in METRICS or METRICS[name].percent else "{:.3f}".format
        return lambda run: show(run["metrics"][name]) if name in run["metrics"] else "–"

    published = dict.fromkeys(primary_metric(run) for run in runs)
    others = [name for name in ALSO if any(name in run["metrics"] for run in runs) and name not in published]
    return {
        **{METRICS[name].title: metric(name) for name in [*published, *others]},
        **{f"PGD {epsilon:g} %": robust(epsilon) for epsilon in shared},
        "area %": lambda run: _percent(curve_area(*robust_curve(run)[1:], up_to=end)),
        **{
            title: metric(name)
            for name, title in (*TYPOS.items(), ("ece", "ECE"), ("nll", "NLL"))
            if any(name in run["metrics"] for run in runs)
        },
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
        left_out = {*curve, "area %"} - {curve[len(curve) // 2] if curve else None}
        cells = {name: cell for name, cell in cells.items() if name not in left_out}
    rows = [[name, *(cell(run) for cell in cells.values())] for name, run in zip(names, runs, strict=True)]
    return ["", *cells], rows


def terminal_table(runs: Sequence[Run]) -> Table:
    """The runs as a rich table that eighty columns can hold."""
    headings, rows = grid(runs, brief=True)
    tasks = ", ".join(sorted({f"{run['task']}, {run['model']}" for run in runs}))
    curves = " and ".join(dict.fromkeys(robust_curve(run)[0] for run in runs)).replace("_", " ")
    caption = f"PGD: {curves} under embedding attack at that epsilon; ×: one step, as a multiple of a plain one"
    table = Table(title=tasks, caption=caption, box=SIMPLE, padding=(0, 1), pad_edge=False)
    for at, heading in enumerate(headings):
        table.add_column(heading.replace(" %", "\n%"), justify="right" if at else "left", min_width=5 if at else 12)
    for row in rows:
        table.add_row(*row)
    return table


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
