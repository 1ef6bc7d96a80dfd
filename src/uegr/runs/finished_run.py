"""A finished run, opened to be measured: its configuration, data and model, and the results.json in its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from datasets import Dataset

from uegr.atomic_files import write_json
from uegr.data.data_source import DataSource
from uegr.data.splits import subset
from uegr.data.task_data import Split, TaskData
from uegr.errors import UsageError, unknown
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.modeling.model_loading import load_tokenizer, load_trained
from uegr.runs.model_card import write_card
from uegr.runs.run_folder import RESULTS, read_run
from uegr.runs.run_result import document, read_results


@dataclass(frozen=True)
class FinishedRun:
    """What is left of a training.

    Args:
        folder: where it lies.
        run: the content of its run.json.
        data: of its configuration.
        subject: its model, ready to be evaluated.
    """

    folder: Path
    run: dict[str, Any]
    data: TaskData
    subject: EvaluatedModel

    def rows(self, split: str, examples: int | None = None) -> Dataset:
        """The split "test" or "validation", or so many rows of it, the same random choice each time.

        Raises:
            UsageError: another split.
        """
        if split not in get_args(Split):
            raise unknown("split", split, get_args(Split))
        rows = self.data.test if split == "test" else self.data.validation
        return subset(rows, examples, 0)

    def results(self) -> dict[str, Any]:
        """The run's entry of its results.json.

        Raises:
            UsageError: it has not been measured.
        """
        return read_results(self.folder)[0]

    def update_results(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """Replace the run's entry of its results.json by what `change` makes of it, and return it."""
        entry = change(self.results())
        write_json(self.folder / RESULTS, document([entry]))
        write_card(self.folder)
        return entry


def open_run(folder: Path, data: TaskData | None = None) -> FinishedRun:
    """Load a run's data and model.

    Args:
        folder: of the run.
        data: what it was trained on, if that came from memory (`train(..., data=...)`) and not from its configuration.

    Raises:
        UsageError: the folder holds no finished run, or one whose data nobody but the caller has.
    """
    run = read_run(folder)
    if not run.get("finished"):
        raise UsageError(f"'{folder}' holds an unfinished run: finish it with uegr train --resume.")
    config = run["config"]
    source = DataSource(**config["data"])
    if data is None and source == DataSource():
        raise UsageError(f"'{folder}' was trained on data from memory: hand the same over again as data=...")
    data = source.load(config["seed"]) if data is None else data
    subject = EvaluatedModel(
        load_trained(folder, data.kind),
        load_tokenizer(str(folder)),
        data.text_columns,
        kind=data.kind,
        bf16=run["precision"] == "bf16",
        max_length=config["max_length"],
    )
    return FinishedRun(folder, run, data, subject)
