"""The entries on the axes of a grid: methods, tasks, models and seeds, and the settings that they override."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from uegr.compare.cell_measurement import Measurement
from uegr.compare.yaml_files import mapping
from uegr.data.data_source import OF_OWN_DATA, OF_TRAIN_FILE, DataSource
from uegr.data.task_registry import find_task
from uegr.errors import UsageError, unknown
from uegr.methods.method_lookup import make_config
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
MOST_SEEDS = 1000
NOT_SETTINGS = ("name", "method", "options", "sweep", "search")
"""The keys of a method's entry that are not settings. Only `uegr tune` reads "search"; a grid may share its list of
methods with a tuning."""


@dataclass(frozen=True)
class Entry:
    """One item of an axis.

    Args:
        name: name in the tables.
        target: the method, task or model that the entry stands for.
        options: options of the method, or fields of the data source.
        settings: the settings that the entry overrides.
    """

    name: str
    target: str
    options: dict[str, Any]
    settings: dict[str, Any]


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


def name_in(where: str, value: Any) -> str:
    """A name in the file, of a method, a task, a model or the grid, as text.

    Raises:
        UsageError: it is empty or neither a text nor a number; YAML reads yes, no, on and off as true and false.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or not str(value).strip():
        raise UsageError(f"{where} must be a name, not {value!r}: write it in quotes.")
    return str(value)


def method_entries(item: dict[str, Any]) -> Iterator[Entry]:
    """The entries of a method: one for each combination of its sweep."""
    method = name_in("a method", item.get("method", item.get("name")))
    own_name = name_in(f"the name of method '{method}'", item.get("name", method))
    options, sweep = (mapping(f"{key} of method '{method}'", item.get(key)) for key in ("options", "sweep"))
    settings = {key: value for key, value in item.items() if key not in NOT_SETTINGS}
    if measured := ", ".join(key for key in settings if SETTINGS.get(key) == "measure" or key == "max_test_examples"):
        raise UsageError(
            f"method '{own_name}' sets {measured}, and all methods of a grid are measured alike: set it in "
            "defaults, or for a task or a model."
        )
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise UsageError(f"sweep of {key} in method '{method}' must be a list of values.")
    for values in itertools.product(*sweep.values()):
        chosen = dict(zip(sweep, values, strict=True))
        name = " ".join([own_name, *(f"{key}={_text(value)}" for key, value in chosen.items())])
        frozen = {key: _frozen(value) for key, value in {**options, **chosen}.items()}
        make_config(method, frozen)  # refuses an unknown method, option or value before anything runs
        yield Entry(name, method, frozen, checked_settings(f"method '{name}'", settings))


def task_entry(item: dict[str, Any]) -> Entry:
    """The entry of a named task, or of one with files of its own."""
    name = name_in("a task", item.get("name", item.get("task")))
    own_settings = {key: value for key, value in item.items() if key not in ("name", "task")}
    settings = checked_settings(f"task '{name}'", own_settings)
    if data := next((key for key in ("train_file", "dataset") if settings.get(key) is not None), None):
        if "task" in item:
            raise UsageError(
                f"'{name}' has a task and a {data}: leave one of them out, or write name in place of task."
            )
        return Entry(name, name, {}, settings)
    task = name_in(f"the task of '{name}'", item.get("task", name))
    find_task(task)
    if unused := ", ".join(key for key in (*OF_OWN_DATA, *OF_TRAIN_FILE) if settings.get(key) is not None):
        raise UsageError(f"'{name}' is a named task and has its own {unused}: take that out of its entry.")
    return Entry(name, task, {"task": task}, settings)


def model_entry(item: dict[str, Any]) -> Entry:
    """The entry of a model; the name of a path is its last part."""
    model = name_in("a model", item.get("model", item.get("name")))
    name = name_in(f"the name of model '{model}'", item.get("name", model)).rstrip("/").rpartition("/")[2]
    settings = {key: value for key, value in item.items() if key not in ("name", "model")}
    return Entry(name, model, {}, checked_settings(f"model '{name}'", settings))


def checked_settings(where: str, content: Any) -> dict[str, Any]:
    """The settings in one place of the file, with names and types checked."""
    checked: dict[str, Any] = {}
    for key, value in mapping(where, content).items():
        if key == "seeds":
            checked[key] = checked_seeds(value)
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


def checked_seeds(value: Any) -> tuple[int, ...]:
    """The seeds of a number of them, or of a list."""
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
