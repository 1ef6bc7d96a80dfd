"""Evaluate a finished run on other tasks: `uegr evaluate RUN --on advglue_sst2,imdb`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from uegr.data.label_maps import label_map
from uegr.data.named_tasks import load_task
from uegr.data.overlap import overlap
from uegr.errors import UsageError
from uegr.evaluation.transfer_score import score_transfer
from uegr.runs.finished_run import open_run


def measure_on(
    folder: Path,
    tasks: Sequence[str],
    *,
    declared: Mapping[str, str] | None = None,
    examples: int | None = None,
    on_task: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Measure a run on the test splits of other tasks, and add what was found to its results.json.

    Every evaluation text is compared with the texts the run was trained on; see `uegr.data.overlap`.

    Args:
        folder: a run that `uegr.runs.evaluate.measure` has measured.
        tasks: names of the registry.
        declared: the model's label names -> the task's, where the registry does not say how they belong together.
        examples: of each task at most so many, the same for every run.
        on_task: told how many tasks are done, of how many.

    Returns:
        One entry a task, in the order of `tasks`.
    """
    finished = open_run(folder)
    finished.results()  # a run that nobody has measured has no entry to add to
    trained_on = finished.data
    found = []
    for name in tasks:
        data = load_task(name).limited(test=examples)
        if data.kind != trained_on.kind:
            raise UsageError(f"the run is for {trained_on.kind}, task '{name}' is {data.kind}: leave it out.")
        classes = None
        if data.kind == "classification":
            families = (trained_on.family, data.family)
            classes = label_map(trained_on.label_names, data.label_names, families, declared)
        elif data.kind == "multi_label":
            raise UsageError("label sets of two tasks cannot be compared: --on takes no multi-label run.")
        seen = overlap(trained_on.train, trained_on.text_columns, data.test, data.text_columns)
        entry = score_transfer(finished.subject.reading(data.text_columns), data, classes, seen)
        if classes is not None:
            entry["label_map"] = classes.as_json(trained_on.label_names, data.label_names)
        found.append(entry)
        on_task(len(found), len(tasks))
    finished.update_results(
        lambda entry: {
            **entry,
            "transfer": [*(one for one in entry.get("transfer", []) if one["task"] not in tasks), *found],
        }
    )
    return found
