"""A grid, read from its YAML file: methods x tasks x models x seeds, and the settings of each cell.

    name: small                       # the file's own name, if left out
    methods:                          # required
      - plain
      - {name: freelb + RoAST, method: freelb+roast, learning_rate: 5e-5}
      - {method: uegr, options: {passes: 2}, sweep: {epsilon: [0.02, 0.04, 0.08]}}
    tasks:                            # required
      - rotten_tomatoes
      - {name: trec, epochs: 6}
      - {name: mine, train_file: mine.csv, text_column: review}
    models:                           # the embedded model, if left out
      - all-MiniLM-L6-v2
      - {model: $UEGR_MODELS/granite-30m, learning_rate: 5e-5}
    seeds: 5                          # 0 to 4; or a list
    defaults: {epochs: 3, attack_examples: 300}

`methods: tuning.tuned.yaml` uses the list of another file, such as `uegr tune` writes. `tuned: {FILE: [TASK, ...]}`
does so for single tasks: there its entries replace the methods with the same names. `base: shared.yaml` uses
another file for all keys that this one does not have; the defaults of both are merged one by one.
A setting is any field of `RunConfig`, `DataSource` or `Measurement`, or `budget`. An entry of `methods`, `tasks` or
`models` may override any setting, and `seeds`: methods override tasks, and tasks override models.
"""

import itertools
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from uegr.compare.cell import Cell
from uegr.compare.cell_measurement import Measurement
from uegr.compare.grid_entries import (
    PARTS,
    SETTINGS,
    Entry,
    checked_seeds,
    checked_settings,
    items,
    method_entries,
    model_entry,
    name_in,
    task_entry,
)
from uegr.compare.yaml_files import load_with_references, mapping
from uegr.data.data_source import DataSource
from uegr.data.task_data import METRICS_OF_KIND
from uegr.data.task_registry import find_task
from uegr.errors import UsageError, unknown
from uegr.methods.method_config import MethodConfig
from uegr.methods.method_lookup import config_class, make_config
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.modeling.metrics import METRICS
from uegr.runs.transfer import check_transfer
from uegr.training.run_arguments import check_trainer_arguments
from uegr.training.run_config import RunConfig

logger = logging.getLogger("uegr")
MOST_CELLS = 100_000
KEYS = ("methods", "tasks", "models", "seeds", "defaults", "tuned", "name")


@dataclass(frozen=True)
class Grid:
    """A named list of cells, in rounds: every cell of the first seed comes before any of the second.

    Attributes:
        methods, tasks, models: the names on the axes, in the order of the file.
    """

    name: str
    cells: tuple[Cell, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.method for cell in self.cells))

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.task for cell in self.cells))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.model for cell in self.cells))


def read_grid(path: Path) -> Grid:
    """The grid of a YAML file."""
    try:
        return make_grid(load_with_references(path), path.stem)
    except UsageError as error:
        raise UsageError(f"'{path}': {error}") from error


def make_grid(content: Any, name: str) -> Grid:
    """The grid that a mapping (a parsed YAML file) describes."""
    if not isinstance(content, Mapping):
        raise UsageError("a grid must be a mapping with the keys methods, tasks and seeds.")
    for key in content:
        if key not in KEYS:
            raise unknown("key", key, KEYS)
    for key in ("methods", "tasks", "seeds"):
        if key not in content:
            raise UsageError(f"the grid has no '{key}': add it.")
    defaults = checked_settings("defaults", content.get("defaults"))
    methods = [entry for item in items(content, "methods") for entry in method_entries(item)]
    tasks = [task_entry(item) for item in items(content, "tasks")]
    models = [model_entry(item) for item in items(content, "models", [EMBEDDED_MODEL])]
    for axis, entries in (("methods", methods), ("tasks", tasks), ("models", models)):
        names = [entry.name for entry in entries]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated:
            raise UsageError(f"'{repeated}' appears twice among the {axis}: give one of them another name.")
    seeds = {"seeds": checked_seeds(content["seeds"])}
    if len(methods) * len(tasks) * len(models) * len(seeds["seeds"]) > MOST_CELLS:
        raise UsageError(f"the grid has more than {MOST_CELLS:,} runs: leave out methods, tasks, models or seeds.")
    tuned = _tuned(content.get("tuned"), [task.name for task in tasks], methods)
    cells: list[tuple[int, Cell]] = []
    for task, model, entry in itertools.product(tasks, models, methods):
        method = tuned.get((task.name, entry.name), entry)
        settings = {**seeds, **defaults, **model.settings, **task.settings, **method.settings}
        for round_number, seed in enumerate(settings["seeds"]):
            cells.append((round_number, _cell(method, task, model, seed, settings)))
    cells.sort(key=lambda pair: pair[0])  # stable: the order of the file is kept within each round
    return Grid(grid_name(content, name), tuple(cell for _, cell in cells))


def grid_name(content: Mapping[str, Any], file_name: str) -> str:
    """The name of a grid or a tuning, after which its results and its folder of runs are called."""
    name = name_in("'name'", content.get("name", file_name))
    if not re.fullmatch(r"[^/\\\0]+", name) or name in (".", ".."):
        raise UsageError(f"'name' is used for a file and a folder, and cannot be '{name}': leave out / and \\.")
    return name


def _tuned(content: Any, tasks: list[str], methods: list[Entry]) -> dict[tuple[str, str], Entry]:
    """The tuned entries of methods by task and name, from a mapping of tasks to lists of methods.

    The log names the methods that keep the grid's own options.

    Args:
        content: of the file.
        tasks: the names of the grid's tasks.
        methods: of the grid.

    Raises:
        UsageError: a task is not in the grid, or none of a task's tuned methods is.
    """
    entries: dict[tuple[str, str], Entry] = {}
    tasks_by_kept: dict[str, list[str]] = {}
    for task, items_of_task in mapping("tuned", content).items():
        if task not in tasks:
            raise unknown("task in tuned", task, tasks)
        if items_of_task:  # empty before the tuning has run
            tuned = [entry for item in items({"methods": items_of_task}, "methods") for entry in method_entries(item)]
            names, kept = [entry.name for entry in tuned], _not_tuned(methods, tuned)
            if not {*names} & {method.name for method in methods}:
                raise UsageError(
                    f"tuned has {', '.join(names)} for task '{task}', and the grid's methods are "
                    f"{', '.join(method.name for method in methods)}: give the methods the same names in both."
                )
            if kept:
                tasks_by_kept.setdefault(", ".join(kept), []).append(task)
            entries |= {(task, entry.name): entry for entry in tuned}
    for kept_names, kept_tasks in tasks_by_kept.items():
        logger.warning("tuned has no %s: on %s the grid's own options are used", kept_names, ", ".join(kept_tasks))
    return entries


def _not_tuned(methods: list[Entry], tuned: list[Entry]) -> list[str]:
    """The names of the methods that have no tuned entry, without those for which nothing could be tuned."""
    names, with_settings = {entry.name for entry in tuned}, any(entry.settings for entry in tuned)
    return [
        method.name for method in methods if method.name not in names and (with_settings or _has_options(method.target))
    ]


def _has_options(method: str) -> bool:
    """Whether the method has options besides those that all methods share."""
    return len(fields(config_class(method))) > len(fields(MethodConfig))


def _cell(method: Entry, task: Entry, model: Entry, seed: int, settings: dict[str, Any]) -> Cell:
    """The cell of these entries; `settings` are those of the grid's defaults and of the entries together."""
    parts = {part: {key: settings[key] for key in settings if SETTINGS.get(key) == part} for part in PARTS}
    source = DataSource(**{**task.options, **parts["data"]})
    for path in source.files:
        if not Path(path).is_file():
            raise UsageError(f"there is no file '{path}', which task '{task.name}' names: check the path.")
    config = RunConfig(
        source, model=model.target, method=method.target, options=method.options, seed=seed, **parts["train"]
    )
    if config.training_arguments:
        check_trainer_arguments(config)
    measurement = Measurement(**parts["measure"])
    _check_task(task.name, source, measurement)
    if settings.get("budget") == "compute":
        config = _equal_compute(config)
    return Cell(method.name, task.name, model.name, config, measurement)


def _check_task(name: str, source: DataSource, measurement: Measurement) -> None:
    """Raise a UsageError where runs of the task cannot be measured or compared in this way."""
    named = None if source.task is None else find_task(source.task)
    kind = source.kind if named is None else named.kind
    published = (source.metric or METRICS_OF_KIND[kind][0]) if named is None else named.metrics[0]
    if published in METRICS and METRICS[published].lower_is_better:
        raise UsageError(
            f"'{name}' is measured by {published}, for which lower is better, and grids need a metric for which higher "
            "is better: give it another, such as metric: token_accuracy for causal_lm."
        )
    if measurement.attacks and kind != "classification":
        raise UsageError(f"the attacks are for classifiers, and '{name}' has no classes: give it attacks: {{}}.")
    if named is not None:
        check_transfer(named, measurement.transfer)


def _equal_compute(config: RunConfig) -> RunConfig:
    """The configuration with fewer steps, so that the run has the arithmetic of a plain run of the given length, by
    `Method.cost`. What a method does before its first step (the Fisher pass of Child-Tuning D and RoAST) is not
    counted."""
    share = make_config("plain").create().cost() / make_config(config.method, config.options).create().cost()
    steps = max(1, round(config.max_steps * share)) if config.max_steps > 0 else config.max_steps
    return replace(config, epochs=config.epochs * share, max_steps=steps)
