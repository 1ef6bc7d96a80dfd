"""Evaluate a finished run on other tasks: `uegr evaluate RUN --on advglue_sst2,imdb`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from uegr.data.label_maps import label_map
from uegr.data.named_tasks import load_task
from uegr.data.overlap import find_overlap
from uegr.errors import UsageError
from uegr.evaluation.transfer_score import score_transfer
from uegr.runs.finished_run import open_run

OnTask = Callable[[int, int], None]
"""Called with the number of tasks done, and the number of all tasks."""


def evaluate_on_tasks(
    folder: Path,
    tasks: Sequence[str],
    *,
    declared: Mapping[str, str] | None = None,
    examples: int | None = None,
    on_task: OnTask = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Measure a run on the test splits of other tasks, and add the entries to its results.json.

    Every evaluation text is compared with the texts the run was trained on; see `uegr.data.overlap`.

    Args:
        folder: a run that `evaluate_run` has measured.
        tasks: names of the registry.
        declared: the model's label names -> the task's, where the registry does not map them.
        examples: at most this number of each task, the same for every run.
        on_task: called after each task.

    Returns:
        One entry per task, in the order of `tasks`.
    """
    run = open_run(folder)
    run.result()  # raises where nothing was measured
    training_data = run.data
    entries: list[dict[str, Any]] = []
    for name in tasks:
        data = load_task(name).limited(test=examples)
        if data.kind != training_data.kind:
            raise UsageError(f"the run is for {training_data.kind}, task '{name}' is {data.kind}: leave it out.")
        classes = None
        if data.kind == "classification":
            families = (training_data.family, data.family)
            classes = label_map(training_data.label_names, data.label_names, families, declared)
        elif data.kind == "multi_label":
            raise UsageError("label sets of two tasks cannot be compared: --on takes no multi-label run.")
        seen = find_overlap(training_data.train, training_data.text_columns, data.test, data.text_columns)
        entry = score_transfer(run.evaluated_model.reading(data.text_columns), data, classes, seen)
        if classes is not None:
            entry["label_map"] = classes.as_json(training_data.label_names, data.label_names)
        entries.append(entry)
        on_task(len(entries), len(tasks))
    result = run.result()
    former = [entry for entry in result.transfer if entry["task"] not in tasks]
    run.save(replace(result, transfer=[*former, *entries]))
    return entries
