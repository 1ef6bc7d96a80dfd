"""results.json: the one format in which every command writes and reads what was measured.

    {"schema": 1, "runs": [{
        "method", "task", "model": str, "seed", "train_examples", "test_examples": int,
        "metric": the published one of "metrics",
        "metrics": {"accuracy", "nll", "ece", "typo_accuracy"} or {"pearson", "spearman", "mse", "typo_pearson"},
        "robustness": {"attack", "norm", "relative", "steps", "restarts", "seed", "examples",
                       "epsilons": [...], "accuracy" or "pearson": [...]},
        "cost": {"seconds", "flop_ratio", "time_ratio"}}]}

Accuracies are fractions, nll in nats, seconds of training. docs/results-schema.md says it in words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from uegr.errors import UsageError

SCHEMA = 1
COST = ("seconds", "flop_ratio", "time_ratio")
CURVES = ("accuracy", "pearson", "micro_f1", "token_accuracy")
"""What a robustness curve may be a curve of: the first of these that a run's robustness part holds."""
FIELDS = ("method", "task", "model", "seed", "train_examples", "metrics", "robustness", "cost")


def document(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The content of a results.json with these runs."""
    return {"schema": SCHEMA, "runs": list(runs)}


def label(run: dict[str, Any], among: Sequence[dict[str, Any]]) -> str:
    """What to call a run: its method and options, and of seed, task and model what tells it from the others."""
    options = ", ".join(f"{name} {value}" for name, value in run.get("options", {}).items())
    parts = [f"{run['method']} ({options})" if options else str(run["method"])]
    parts += [f"{name} {run[name]}" for name in ("seed", "task", "model") if len({other[name] for other in among}) > 1]
    return ", ".join(parts)


def primary_metric(run: dict[str, Any]) -> str:
    """Name of the metric that is published for the run's task; runs of the first version knew accuracy only."""
    return str(run.get("metric", "accuracy"))


def robust_curve(run: dict[str, Any]) -> tuple[str, list[float], list[float]]:
    """What the robustness curve shows ("accuracy", "pearson", ...), its epsilons in rising order, its values."""
    curve = run["robustness"]
    name = next(one for one in CURVES if one in curve)
    return name, curve["epsilons"], curve[name]


def read_results(path: Path) -> list[dict[str, Any]]:
    """The runs of a results.json, or of the one in a folder.

    Raises:
        UsageError: it is not there, or is not what this version writes; the message names the missing part.
    """
    file = path / "results.json" if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"there is no '{file}': measure the run first with uegr evaluate {path}.")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"'{file}' is no JSON ({error}): measure again with uegr evaluate.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not isinstance(content.get("runs"), list):
        raise UsageError(f"'{file}' is not a results.json of schema {SCHEMA}: measure again with uegr evaluate.")
    for run in content["runs"]:
        _check(file, run)
    runs: list[dict[str, Any]] = content["runs"]
    return runs


def _check(file: Path, run: Any) -> None:
    if not isinstance(run, dict):
        raise UsageError(f"'{file}' holds {run!r} in the place of a run: measure again with uegr evaluate.")
    missing = [name for name in FIELDS if name not in run]
    metric = primary_metric(run)
    for part, names in {"metrics": (metric,), "cost": COST}.items():
        missing += [f"{part}.{name}" for name in names if not isinstance(run.get(part, {}).get(name), (int, float))]
    curve = run.get("robustness", {})
    name = next((one for one in CURVES if one in curve), CURVES[0])
    if len(curve.get("epsilons", ())) != len(curve.get(name, ())) or not curve.get("epsilons"):
        missing.append(f"robustness.{name} for each of robustness.epsilons")
    if missing:
        raise UsageError(f"'{file}' lacks {', '.join(missing)}: measure again with uegr evaluate.")
