"""The tables of docs/theory.md, from results/theory.json."""

from __future__ import annotations

import json
import statistics
from typing import Any

from benchmarks.document import with_block
from scipy.stats import t

from experiments.paths import RESULTS

FILE = RESULTS / "theory.json"
OPTIMIZERS = ("sgd", "adamw")
GROUPS = {"epsilon": "epsilon", "p_hat": "p_hat", "shipped": "p_hat"}
"""Group of runs -> what their setting is."""
COLUMNS = {
    "test_accuracy": "test accuracy",
    "train_loss": "training loss",
    "input_gradient": "input-gradient norm",
    "eigenvalue": "largest eigenvalue",
    "trace": "trace",
    "sharpness": "SAM sharpness",
}


def with_theory_tables(text: str) -> str:
    """The text of docs/theory.md with its tables written again."""
    runs = json.loads(FILE.read_text())["runs"]
    for group in GROUPS:
        for optimizer in OPTIMIZERS:
            text = with_block(text, f"{group} {optimizer}", _table(runs, group, optimizer))
    return text


def _table(runs: list[dict[str, Any]], group: str, optimizer: str) -> str:
    """Mean and standard deviation over the seeds, as Markdown.

    The first row is the baseline of the others: p_hat = 1; for epsilon the runs of the group p_hat, which have no
    adversary, with p_hat = 1. A star means that the mean difference to the baseline, over the seeds that both have, is
    larger than its standard error times the 97.5 % quantile of t.
    """
    by_setting: dict[float, dict[int, dict[str, Any]]] = {}
    for run in runs:
        without_adversary = group == "epsilon" and (run["group"], run["setting"]) == ("p_hat", 1.0)
        if run["optimizer"] == optimizer and (run["group"] == group or without_adversary):
            setting = 0.0 if without_adversary else run["setting"]
            by_setting.setdefault(setting, {})[run["seed"]] = run
    lines = [f"| {GROUPS[group]} | seeds | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    settings = sorted(by_setting, reverse=GROUPS[group] == "p_hat")
    for setting in settings:
        values = [_cell(by_setting[setting], by_setting[settings[0]], key) for key in COLUMNS]
        lines.append(f"| {setting:g} | {len(by_setting[setting])} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def _cell(runs: dict[int, dict[str, Any]], baseline: dict[int, dict[str, Any]], key: str) -> str:
    values = [run[key] for run in runs.values()]
    deviation = f" ± {statistics.stdev(values):.2g}" if len(values) > 1 else ""
    differences = [runs[seed][key] - baseline[seed][key] for seed in runs if seed in baseline]
    star = ""
    if len(differences) > 2:  # an interval of two seeds says nothing
        error = statistics.stdev(differences) / len(differences) ** 0.5
        star = " *" if abs(statistics.mean(differences)) > t.ppf(0.975, len(differences) - 1) * error else ""
    return f"{statistics.mean(values):.3g}{deviation}{star}"
