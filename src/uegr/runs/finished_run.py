"""A finished run that is opened to be measured: its configuration, data and model, and its results.json."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from datasets import Dataset

from uegr.data.data_source import DataSource
from uegr.data.file_digests import check_unchanged
from uegr.data.kind import KIND_TITLES, Kind
from uegr.data.splits import subset
from uegr.data.task_data import Split, TaskData
from uegr.errors import UsageError, unknown
from uegr.evaluation.data_slices import Slices, known_words, slices_of
from uegr.evaluation.evaluated_model import BATCH_SIZE, EvaluatedModel
from uegr.evaluation.evaluation_data import class_names
from uegr.modeling.model_loading import load_tokenizer, load_trained
from uegr.runs.folder_lock import only_change
from uegr.runs.model_card import write_card
from uegr.runs.results_json import read_results, write_results
from uegr.runs.run_file_shapes import Config
from uegr.runs.run_folder import RUN, read_run
from uegr.runs.run_result import RunResult
from uegr.training.precision import measure_in_bf16

REQUIRED = {"precision", "task", "train_examples", "cost"}
"""What the run.json of a finished run holds beside its configuration and its kind."""
OnExamples = Callable[[int, int], None]
"""Called with the number of examples done, and the number of all examples."""


@dataclass(frozen=True)
class FinishedRun:
    """A run whose training is finished.

    Args:
        folder: the run folder.
        record: the content of its run.json.
        data: the data that its configuration names.
        evaluated_model: its model, ready to be evaluated.
    """

    folder: Path
    record: dict[str, Any]
    data: TaskData
    evaluated_model: EvaluatedModel

    def rows(self, split: str, examples: int | None = None) -> Dataset:
        """Return the rows of the split "test" or "validation".

        Args:
            split: name of the split.
            examples: return N of the rows, the same random choice each time; None returns all.
        """
        if split not in get_args(Split):
            raise unknown("split", split, get_args(Split))
        rows = self.data.test if split == "test" else self.data.validation
        return subset(rows, examples, 0)

    def slices(self, rows: Dataset) -> Slices:
        """Return the parts of these rows: by class, by length, and by the share of words that no training text has."""
        training_words = known_words(self.data.train, self.data.text_columns)
        return slices_of(rows, self.data.text_columns[-1], self.data.label_names, training_words)

    def result(self) -> RunResult:
        """Return what was measured so far.

        Raises:
            UsageError: nothing was measured.
        """
        return read_results(self.folder)[0]

    def update(self, change: Callable[[RunResult], RunResult], first: RunResult | None = None) -> RunResult:
        """Change what was measured so far, write results.json and the model card, and return the new result.

        Other commands may have written to results.json since this run was opened, so it is read only now, and no other
        command can write until the change is written.

        Args:
            change: makes the new result of the former one; what else it writes into the folder is safe, too.
            first: the new result where there is no former one that can be read.

        Raises:
            UsageError: the run was trained again or removed since it was opened, or nothing was measured and there is
                no `first`.
        """
        with only_change(self.folder):
            self._check_not_replaced()
            try:
                former = self.result()
            except UsageError:
                if first is None:
                    raise
                result = first
            else:
                result = change(former)
            write_results(self.folder, [result])
            write_card(self.folder)
        return result

    def _check_not_replaced(self) -> None:
        try:
            is_same = _of_training(read_run(self.folder)) == _of_training(self.record)
        except UsageError:  # there is no run.json, for a moment of `uegr train --overwrite` or for good
            is_same = False
        if not is_same:
            raise UsageError(f"'{self.folder}' was trained again or removed while it was measured: measure it again.")


def _of_training(record: dict[str, Any]) -> dict[str, Any]:
    """A run.json without the cost of a step, which is written later than the rest."""
    return {**record, "cost": record.get("cost", {}).get("seconds")}


def open_run(
    folder: Path, data: TaskData | None = None, batch_size: int = BATCH_SIZE, *, trust_remote_code: bool = False
) -> FinishedRun:
    """Load a run's data and model.

    Args:
        folder: the run folder.
        data: the training data, if it came from memory (`train_run(..., data=...)`) and not from the configuration.
        batch_size: number of texts that the model reads at once.
        trust_remote_code: run the Python code of the model's folder. What its run.json says does not count: the
            folder may be a stranger's.
    """
    run, evaluated_model = open_trained(folder, batch_size, trust_remote_code=trust_remote_code)
    data = training_data(folder, run, evaluated_model) if data is None else data
    return FinishedRun(folder, run, data, evaluated_model)


def open_trained(
    folder: Path, batch_size: int = BATCH_SIZE, *, trust_remote_code: bool = False
) -> tuple[dict[str, Any], EvaluatedModel]:
    """Load a run's run.json and its model, without the data."""
    run = read_run(folder)
    if not run.get("finished"):
        raise UsageError(f"'{folder}' holds an unfinished run: finish it with uegr train --resume.")
    lacks = (REQUIRED - run.keys()) | (Config.__optional_keys__ - run["config"].keys())
    if run.get("kind") not in get_args(Kind) or lacks or "seconds" not in run["cost"]:
        raise UsageError(f"'{folder / RUN}' does not belong to a finished run of uegr: train again with --overwrite.")
    config = run["config"]
    columns = run.get("data", {}).get("text_columns")
    model = load_trained(folder, run["kind"], trust_remote_code=trust_remote_code)
    evaluated_model = EvaluatedModel(
        model,
        load_tokenizer(str(folder), trust_remote_code=trust_remote_code),
        columns or source_of(folder, run).text_columns,
        kind=run["kind"],
        bf16=measure_in_bf16(run["precision"] == "bf16", model),
        batch_size=batch_size,
        max_length=config["max_length"],
    )
    return run, evaluated_model


def source_of(folder: Path, run: dict[str, Any]) -> DataSource:
    """Return where a run's data comes from.

    Raises:
        UsageError: an option in its run.json does not exist.
    """
    options = run["config"]["data"]
    names = [entry.name for entry in fields(DataSource)]
    for name in options:
        if name not in names:
            raise unknown(f"option of the data in '{folder / RUN}'", name, names)
    return DataSource(**options)


def training_data(folder: Path, run: dict[str, Any], evaluated_model: EvaluatedModel) -> TaskData:
    """Load a run's data.

    Raises:
        UsageError: it came from memory, or is no longer the data of the training.
    """
    source = source_of(folder, run)
    if source == DataSource():
        raise UsageError(
            f"'{folder}' was trained on data from memory: pass the same data again as data=..., or give a file."
        )
    fix = "restore it, or measure on a file of its own (uegr gate --file)"
    check_unchanged(run.get("files", {}), fix)
    data = source.load(run["config"]["seed"])
    if data.kind == "classification":
        names = class_names(evaluated_model.model, len(data.label_names))
        if names != list(data.label_names):
            raise UsageError(
                f"the classes of the data are now {', '.join(data.label_names)}, and those of '{folder}' are "
                f"{', '.join(names)}: {fix}."
            )
    return data


def open_measured_classifier(
    folder: Path, purpose: str, batch_size: int = BATCH_SIZE, *, trust_remote_code: bool = False
) -> FinishedRun:
    """Load a measured run of a classifier."""
    run = open_run(folder, batch_size=batch_size, trust_remote_code=trust_remote_code)
    check_writable(folder)
    run.result()  # raises where nothing was measured
    if run.data.kind != "classification":
        title = KIND_TITLES[run.data.kind]
        raise UsageError(f"'{folder}' is a model for {title}: name the run of a classifier for {purpose}.")
    return run


def check_writable(folder: Path) -> None:
    """Raise a UsageError, before hours of measuring, if the results cannot be written into the folder."""
    if not os.access(folder, os.W_OK):
        raise UsageError(f"'{folder}' cannot be written, and the results are written there: measure a copy of the run.")


def running_total(on_examples: OnExamples, total: int) -> Callable[[int], None]:
    """Return a callback for batches that reports the number of examples done so far."""
    done = 0

    def on_batch(examples: int) -> None:
        nonlocal done
        done += examples
        on_examples(done, total)

    return on_batch
