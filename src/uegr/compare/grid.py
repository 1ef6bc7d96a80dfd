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

`methods: tuning.tuned.yaml` uses the list of another file, such as `uegr tune` writes. `base: shared.yaml` uses another
file for all keys that this one does not have; the defaults of both are merged one by one.
A setting is any field of `RunConfig`, `DataSource` or `Measurement`, or `budget`. An entry of `methods`, `tasks` or
`models` may override any setting, and `seeds`: methods override tasks, and tasks override models.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from uegr.compare.cell import Cell
from uegr.compare.cell_measurement import Measurement
from uegr.compare.yaml_files import load_with_references, mapping
from uegr.data.data_source import DataSource
from uegr.data.task_registry import find_task
from uegr.errors import UsageError, unknown
from uegr.methods.method_lookup import make_config
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.options import check_value, type_hints
from uegr.training.run_config import RunConfig

PARTS: dict[str, type[Any]] = {"data": DataSource, "train": RunConfig, "measure": Measurement}
OWN = {"data", "model", "method", "options", "seed", "task"}
"""Fields that the axes of the grid fill."""
SETTINGS: dict[str, str] = {
    setting.name: part for part, kind in PARTS.items() for setting in fields(kind) if setting.name not in OWN
}
"""Every setting, and the part that it belongs to."""
BUDGETS = ("steps", "compute")
MOST_SEEDS, MOST_CELLS = 1000, 100_000
AXES = ("methods", "tasks", "models", "seeds", "defaults", "name")


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


@dataclass(frozen=True)
class _Entry:
    """One item of an axis.

    Args:
        name: in tables.
        target: the method, task or model that it stands for.
        options: of the method or the data.
        settings: that it overrides.
    """

    name: str
    target: str
    options: dict[str, Any]
    settings: dict[str, Any]


def read_grid(path: Path) -> Grid:
    """The grid of a YAML file."""
    try:
        return make_grid(load_with_references(path), path.stem)
    except UsageError as error:
        raise UsageError(f"'{path}': {error}") from error


def make_grid(content: Any, name: str) -> Grid:
    """The grid that a mapping (a parsed YAML file) describes."""
    if not isinstance(content, Mapping):
        raise UsageError("a grid is a mapping with the keys methods, tasks and seeds.")
    for key in content:
        if key not in AXES:
            raise unknown("key", key, AXES)
    for key in ("methods", "tasks", "seeds"):
        if key not in content:
            raise UsageError(f"the grid has no '{key}': add it.")
    defaults = _settings("defaults", content.get("defaults"))
    methods = [entry for item in items(content, "methods") for entry in _methods(item)]
    tasks = [_task(item) for item in items(content, "tasks")]
    models = [_model(item) for item in items(content, "models", [EMBEDDED_MODEL])]
    for axis, entries in (("methods", methods), ("tasks", tasks), ("models", models)):
        names = [entry.name for entry in entries]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated:
            raise UsageError(f"'{repeated}' stands twice among the {axis}: give one of them another name.")
    seeds = {"seeds": _seeds(content["seeds"])}
    if len(methods) * len(tasks) * len(models) * len(seeds["seeds"]) > MOST_CELLS:
        raise UsageError(f"the grid has more than {MOST_CELLS:,} runs: leave out methods, tasks, models or seeds.")
    cells = [
        (round_number, _cell(method, task, model, seed, settings))
        for task, model, method in itertools.product(tasks, models, methods)
        for settings in [{**seeds, **defaults, **model.settings, **task.settings, **method.settings}]
        for round_number, seed in enumerate(settings["seeds"])
    ]
    cells.sort(key=lambda pair: pair[0])  # stable: the order of the file is kept within each round
    return Grid(str(content.get("name", name)), tuple(cell for _, cell in cells))


def _cell(method: _Entry, task: _Entry, model: _Entry, seed: int, settings: dict[str, Any]) -> Cell:
    parts: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for key, value in settings.items():
        if key in SETTINGS:
            parts[SETTINGS[key]][key] = value
    source = DataSource(**{**task.options, **parts["data"]})
    for path in (source.train_file, source.validation_file, source.test_file):
        if path is not None and not Path(path).is_file():
            raise UsageError(f"there is no file '{path}', which task '{task.name}' names: check the path.")
    config = RunConfig(
        source, model=model.target, method=method.target, options=method.options, seed=seed, **parts["train"]
    )
    measurement = Measurement(**parts["measure"])
    kind = source.kind if source.task is None else find_task(source.task).kind
    if measurement.attacks and kind != "classification":
        raise UsageError(f"the attacks are made for classifiers, and '{task.name}' is none: give it attacks: {{}}.")
    if settings.get("budget") == "compute":
        config = _equal_compute(config)
    return Cell(method.name, task.name, model.name, config, measurement)


def _equal_compute(config: RunConfig) -> RunConfig:
    """The configuration with fewer steps, so that the run has the arithmetic of a plain run of the given length, by
    `Method.cost`. What a method does before its first step (the Fisher pass of Child-Tuning D and RoAST) is not
    counted."""
    share = make_config("plain").create().cost() / make_config(config.method, config.options).create().cost()
    steps = max(1, round(config.max_steps * share)) if config.max_steps > 0 else config.max_steps
    return replace(config, epochs=config.epochs * share, max_steps=steps)


def items(content: Mapping[str, Any], axis: str, default: list[Any] | None = None) -> list[dict[str, Any]]:
    """The entries of an axis as mappings; a bare name stands for {name: ...}."""
    values = content.get(axis, default)
    values = [values] if isinstance(values, (str, Mapping)) else values
    if not isinstance(values, list) or not values:
        raise UsageError(f"'{axis}' must be a list of at least one name or mapping.")
    singular = axis.removesuffix("s")
    entries = [{"name": value} if isinstance(value, str) else value for value in values]
    for entry in entries:
        if not isinstance(entry, dict) or not ("name" in entry or singular in entry):
            raise UsageError(f"'{axis}' holds {entry!r}: write a name, or a mapping with 'name' or '{singular}'.")
    return entries


def _methods(item: dict[str, Any]) -> Iterator[_Entry]:
    """The entries of a method: one for each combination of its sweep."""
    method = str(item.get("method", item.get("name")))
    options, sweep = (mapping(f"{key} of method '{method}'", item.get(key)) for key in ("options", "sweep"))
    settings = {key: value for key, value in item.items() if key not in ("name", "method", "options", "sweep")}
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise UsageError(f"sweep of {key} in method '{method}' must be a list of values.")
    for values in itertools.product(*sweep.values()):
        chosen = dict(zip(sweep, values, strict=True))
        name = " ".join([str(item.get("name", method)), *(f"{key}={_text(value)}" for key, value in chosen.items())])
        frozen = {key: _frozen(value) for key, value in {**options, **chosen}.items()}
        make_config(method, frozen)  # refuses an unknown method, option or value before anything runs
        yield _Entry(name, method, frozen, _settings(f"method '{name}'", settings))


def _task(item: dict[str, Any]) -> _Entry:
    name = str(item.get("name", item.get("task")))
    settings = _settings(f"task '{name}'", {key: value for key, value in item.items() if key not in ("name", "task")})
    if "train_file" in settings or "dataset" in settings:
        return _Entry(name, name, {}, settings)
    task = str(item.get("task", name))
    find_task(task)
    return _Entry(name, task, {"task": task}, settings)


def _model(item: dict[str, Any]) -> _Entry:
    model = str(item.get("model", item.get("name")))
    name = str(item.get("name", model)).rstrip("/").rpartition("/")[2]
    settings = {key: value for key, value in item.items() if key not in ("name", "model")}
    return _Entry(name, model, {}, _settings(f"model '{name}'", settings))


def _settings(where: str, content: Any) -> dict[str, Any]:
    """The settings in one place of the file, with names and types checked."""
    checked: dict[str, Any] = {}
    for key, value in mapping(where, content).items():
        if key == "seeds":
            checked[key] = _seeds(value)
        elif key == "budget":
            if value not in BUDGETS:
                raise unknown(f"budget of {where}", value, BUDGETS)
            checked[key] = value
        elif key in SETTINGS:
            check_value(key, value, type_hints(PARTS[SETTINGS[key]])[key])  # type: ignore[arg-type]
            checked[key] = _frozen(value)
        else:
            raise unknown(f"setting of {where}", key, sorted([*SETTINGS, "seeds", "budget"]))
    return checked


def _seeds(value: Any) -> tuple[int, ...]:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_SEEDS:
        return tuple(range(value))
    if isinstance(value, list) and value and all(isinstance(seed, int) for seed in value):
        return tuple(dict.fromkeys(value))
    raise UsageError(
        f"seeds must be a number of seeds, at most {MOST_SEEDS:,}, or a list of them such as [0, 1, 2], not {value!r}."
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _text(value: Any) -> str:
    return ",".join(map(_text, value)) if isinstance(value, (list, tuple)) else str(value)
