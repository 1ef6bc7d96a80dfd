"""Evaluate a finished run on other data: `uegr evaluate RUN --on advglue_sst2,imdb --test_file more.csv`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from uegr.data.kind import Kind
from uegr.data.label_maps import LabelMap, label_map
from uegr.data.named_tasks import load_task
from uegr.data.overlap import find_overlap
from uegr.data.splits import LABEL
from uegr.data.task import Task
from uegr.data.task_data import TaskData, make_task
from uegr.data.task_registry import find_task
from uegr.data.user_data import rows_of
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import BATCH_SIZE
from uegr.evaluation.transfer_score import score_transfer
from uegr.runs.finished_run import FinishedRun, check_writable, open_run, source_of
from uegr.runs.hardening_texts import hardening_overlap
from uegr.runs.run_result import RunResult

OnTask = Callable[[int, int], None]
"""Called with the number of tasks done, and the number of all tasks."""


class Classes(NamedTuple):
    """What decides how the classes of a model are scored on those of a task.

    Args:
        kind: the kind of task.
        names: the classes, in order; empty for kinds without classes.
        family: key of `uegr.data.label_maps.FAMILIES`, or None.
    """

    kind: Kind
    names: Sequence[str]
    family: str | None


def evaluate_on_tasks(
    folder: Path,
    tasks: Sequence[str | Path],
    *,
    declared: Mapping[str, str] | None = None,
    examples: int | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    batch_size: int = BATCH_SIZE,
    trust_remote_code: bool = False,
    on_task: OnTask = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Measure a run on the test splits of other tasks, and on other files, and add the entries to its results.json.

    Every evaluation text is compared with the texts the run was trained on; see `uegr.data.overlap`.

    Args:
        folder: a run that `evaluate_run` has measured.
        tasks: names of the registry, and paths of files.
        declared: the model's label names -> the task's, where the registry does not map them.
        examples: measure at most N examples of each task, the same for every run; None measures all.
        text_column, label_column: columns of the files; by default those that the run was trained on.
        batch_size: number of texts that the model reads at once.
        trust_remote_code: run the Python code of the run's folder.
        on_task: called after each task.

    Returns:
        One entry per task, in the order of `tasks`; see docs/results-schema.md.

    Raises:
        UsageError: the run was not measured, or its classes cannot be compared with those of a task.
    """
    run = open_run(folder, batch_size=batch_size, trust_remote_code=trust_remote_code)
    check_writable(folder)
    run.result()  # raises where nothing was measured
    training_data = run.data
    source = Classes(training_data.kind, training_data.label_names, training_data.family)
    prepared = []  # what cannot be measured is refused before anything is measured
    for name in tasks:
        if isinstance(name, Path):
            data = _file_like(run, name, text_column, label_column, keep_names=not declared).limited(test=examples)
        else:
            data = load_task(name).limited(test=examples)
        prepared.append((data, _label_map(source, Classes(data.kind, data.label_names, data.family), name, declared)))
    entries: list[dict[str, Any]] = []
    for data, classes in prepared:
        seen = find_overlap(training_data.train, training_data.text_columns, data.test, data.text_columns)
        entry = score_transfer(run.evaluated_model.reading(data.text_columns), data, classes, seen)
        entry["leakage"] |= hardening_overlap(run.folder, data.test, data.text_columns)
        if classes is not None:
            entry["label_map"] = classes.as_json(training_data.label_names, data.label_names)
        entries.append(entry)
        _save(run, entry)  # a task that fails later loses nothing
        on_task(len(entries), len(tasks))
    return entries


def _save(run: FinishedRun, entry: dict[str, Any]) -> None:
    """Save what was measured on a task, in place of an earlier entry of it."""

    def add(result: RunResult) -> RunResult:
        others = [former for former in result.transfer if former["task"] != entry["task"]]
        return replace(result, transfer=[*others, entry])

    run.update(add)


def check_transfer(source: Task, names: Sequence[str]) -> None:
    """Raise a UsageError where a model of one named task cannot be measured on another."""
    for name in names:
        task = find_task(name)
        target = Classes(task.kind, task.labels, task.family)
        _label_map(Classes(source.kind, source.labels, source.family), target, name)


def _label_map(
    source: Classes, target: Classes, name: str | Path, declared: Mapping[str, str] | None = None
) -> LabelMap | None:
    """Return how the classes of the model are scored on those of task `name`; None for kinds without classes."""
    if source.kind != target.kind:
        raise UsageError(f"the run is for {source.kind}, and '{name}' is for {target.kind}: leave '{name}' out.")
    if target.kind == "multi_label":
        raise UsageError(f"the label sets of a multi-label run and of '{name}' cannot be compared: leave '{name}' out.")
    if target.kind != "classification":
        return None
    families = (source.family, target.family)
    # A file is measured by the metrics of the run, and a named task by its own.
    return label_map(source.names, target.names, families, declared, like_source=isinstance(name, Path))


def _file_like(
    run: FinishedRun, path: Path, text_column: str | None, label_column: str | None, *, keep_names: bool
) -> TaskData:
    """A file of labelled texts as a task like the run's own; `keep_names`: its labels are the run's classes."""
    source, data = source_of(run.folder, run.record), run.data
    own_columns = data.text_columns if source.task else filter(None, (source.text_column, source.text_pair_column))
    columns = tuple(own_columns) if text_column is None else tuple(text_column.split(","))
    own_label = LABEL if source.task else source.label_column
    return make_task(
        str(path),
        {"test": rows_of(path, [*columns, label_column or own_label])},
        text_columns=columns,
        label_column=label_column or own_label,
        label_names=data.label_names if keep_names and data.label_names else None,
        kind=data.kind,
        metrics=data.metrics,
        drop_empty=source.drop_empty,
    )
