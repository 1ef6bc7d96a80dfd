"""What happened while a run was trained, from the training_log.json of its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from uegr.errors import UsageError
from uegr.runs.run_result import read_results

LOG = "training_log.json"
Series = tuple[list[int], list[float]]
"""Steps and values."""


def read_runs(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """The runs of several folders or results.json files; a folder's training log comes along under "log".

    Raises:
        UsageError: something is missing or cannot be read; the message names it.
    """
    return [with_log(run, path) for path in paths for run in read_results(path)]


def with_log(run: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The run with the training log that lies in its folder, if one does."""
    file = folder / LOG
    if not folder.is_dir() or not file.is_file():
        return run
    try:
        log = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise UsageError(f"'{file}' is no JSON ({error}): remove it, or train again with --overwrite.") from error
    return {**run, "log": log}


def series(run: dict[str, Any], name: str) -> Series:
    """Steps at which a quantity was logged, and its values; empty lists if it never was."""
    entries = [entry for entry in run.get("log", ()) if name in entry and "step" in entry]
    return [entry["step"] for entry in entries], [float(entry[name]) for entry in entries]


def logged(run: dict[str, Any], prefix: str) -> list[str]:
    """Names that begin with the prefix, in the order in which they were logged."""
    names = (name for entry in run.get("log", ()) for name in entry if name.startswith(prefix))
    return list(dict.fromkeys(names))
