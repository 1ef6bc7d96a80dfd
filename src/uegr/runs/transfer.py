"""Evaluate a finished run on other data: `uegr evaluate RUN --on advglue_sst2,imdb --test_file more.csv`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from uegr.data.data_source import DataSource
from uegr.data.kind import Kind
from uegr.data.label_maps import LabelMap, label_map
from uegr.data.named_tasks import load_task
from uegr.data.overlap import find_overlap
from uegr.data.splits import LABEL
from uegr.data.task import Task
from uegr.data.task_data import TaskData, make_task
from uegr.data.task_registry import find_task
from uegr.data.user_data import rows_and_findings
from uegr.errors import UsageError
from uegr.evaluation.transfer_score import score_transfer
from uegr.runs.finished_run import FinishedRun, open_run

OnTask = Callable[[int, int], None]
"""Called with the number of tasks done, and the number of all tasks."""


def evaluate_on_tasks(
    folder: Path,
    tasks: Sequence[str | Path],
    *,
    declared: Mapping[str, str] | None = None,
    examples: int | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    on_task: OnTask = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Measure a run on the test splits of other tasks, and on other files, and add the entries to its results.json.

    Every evaluation text is compared with the texts the run was trained on; see `uegr.data.overlap`.

    Args:
        folder: a run that `evaluate_run` has measured.
        tasks: names of the registry, and paths of files.
        declared: the model's label names -> the task's, where the registry does not map them.
        examples: at most this number of each task, the same for every run.
        text_column, label_column: of the files; by default those that the run was trained on.
        on_task: called after each task.

    Returns:
        One entry per task, in the order of `tasks`.
    """
    run = open_run(folder)
    run.result()  # raises where nothing was measured
    training_data = run.data
    entries: list[dict[str, Any]] = []
    for name in tasks:
        if isinstance(name, Path):
            data = _file_like(run, name, text_column, label_column, keep_names=not declared).limited(test=examples)
        else:
            data = load_task(name).limited(test=examples)
        classes = _classes(
            (training_data.kind, data.kind),
            (training_data.label_names, data.label_names),
            (training_data.family, data.family),
            name,
            declared,
        )
        seen = find_overlap(training_data.train, training_data.text_columns, data.test, data.text_columns)
        entry = score_transfer(run.evaluated_model.reading(data.text_columns), data, classes, seen)
        if classes is not None:
            entry["label_map"] = classes.as_json(training_data.label_names, data.label_names)
        entries.append(entry)
        on_task(len(entries), len(tasks))
    result = run.result()
    measured = {entry["task"] for entry in entries}
    former = [entry for entry in result.transfer if entry["task"] not in measured]
    run.save(replace(result, transfer=[*former, *entries]))
    return entries


def check_transfer(source: Task, names: Sequence[str]) -> None:
    """Raise a UsageError where a model of one named task cannot be measured on another."""
    for name in names:
        task = find_task(name)
        _classes((source.kind, task.kind), (source.labels, task.labels), (source.family, task.family), name)


def _classes(
    kinds: tuple[Kind, Kind],
    label_names: tuple[Sequence[str], Sequence[str]],
    families: tuple[str | None, str | None],
    name: str | Path,
    declared: Mapping[str, str] | None = None,
) -> LabelMap | None:
    """How the model's classes are scored on task `name`; each pair is of the model and of the task. None for kinds
    without classes."""
    kind = kinds[1]
    if kinds[0] != kind:
        raise UsageError(f"the run is for {kinds[0]}, and '{name}' is for {kind}: leave '{name}' out.")
    if kind == "multi_label":
        raise UsageError(f"the label sets of a multi-label run and of '{name}' cannot be compared: leave '{name}' out.")
    return label_map(*label_names, families, declared) if kind == "classification" else None


def _file_like(
    run: FinishedRun, path: Path, text_column: str | None, label_column: str | None, *, keep_names: bool
) -> TaskData:
    """A file of labelled texts as a task like that of the run; `keep_names`: its labels are the run's classes."""
    source, data = DataSource(**run.run["config"]["data"]), run.data
    own_columns = data.text_columns if source.task else filter(None, (source.text_column, source.text_pair_column))
    columns = tuple(own_columns) if text_column is None else tuple(text_column.split(","))
    own_label = LABEL if source.task else source.label_column
    return make_task(
        str(path),
        {"test": rows_and_findings(path)[0]},
        text_columns=columns,
        label_column=label_column or own_label,
        label_names=data.label_names if keep_names and data.label_names else None,
        kind=data.kind,
        metrics=data.metrics,
        drop_empty=source.drop_empty,
    )
