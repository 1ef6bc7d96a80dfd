"""The search of one method: what it may choose, what it has tried, and Optuna's form of both."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from uegr.compare.grid_entries import PARTS, SETTINGS
from uegr.errors import UsageError, unknown
from uegr.methods.method_lookup import config_class, make_config
from uegr.options import check_option

SETTING_DEFAULTS = {setting.name: setting.default for kind in PARTS.values() for setting in fields(kind)}


@dataclass
class Search:
    """The search of one method.

    Args:
        name: name of the method in the file.
        item: entry of the method in the file, without the search.
        space: option or setting -> list of choices, or {low, high, log}.
        study: Optuna's.
        trials: the trials so far, in order: {"number", "params", "value"}; the value is None if a run failed.
    """

    name: str
    item: dict[str, Any]
    space: dict[str, Any]
    study: optuna.Study
    trials: list[dict[str, Any]] = field(default_factory=list)

    @property
    def best(self) -> dict[str, Any] | None:
        """The trial of the highest value; the first of several equal ones, and None if every trial failed."""
        done = [trial for trial in self.trials if trial["value"] is not None]
        return max(done, key=lambda trial: (trial["value"], -trial["number"]), default=None)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        return {key: _distribution(key, values) for key, values in self.space.items()}

    def chosen(self, trial: optuna.Trial) -> dict[str, Any]:
        """The values that a trial has drawn."""
        drawn = trial.params.items()
        return {key: space[value] if isinstance(space := self.space[key], list) else value for key, value in drawn}

    def entry(self, params: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The method with these parameters, as an entry of a grid's "methods"."""
        options = {key: value for key, value in params.items() if key not in SETTINGS}
        settings = {key: value for key, value in params.items() if key in SETTINGS}
        method = self.item.get("method", self.name)
        all_options = {**self.item.get("options", {}), **options}
        return {**self.item, **settings, "name": name, "method": method, "options": all_options}


def start_search(name: str, item: dict[str, Any], space: dict[str, Any], defaults: dict[str, Any], seed: int) -> Search:
    """Check the search space of a method, and start its study with the method's own values as the first trial.

    Args:
        name, item, space: see `Search`.
        defaults: of the tuning file's grid.
        seed: of the search.

    Raises:
        UsageError: there is nothing to search, a key is not an option or setting, or its values cannot be searched.
    """
    method = str(item.get("method", name))
    if not space:
        raise UsageError(f"method '{name}' has nothing to search: add 'search' to it or to the file.")
    names = [*(option.name for option in fields(config_class(method))), *SETTINGS]
    for key, values in space.items():
        if key not in names:
            raise unknown(f"option or setting of method {method}", key, names)
        _distribution(key, values)
        for value in values if isinstance(values, list) else (values["low"], values["high"]):
            check_option(PARTS[SETTINGS[key]] if key in SETTINGS else config_class(method), key, value)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    start = {**SETTING_DEFAULTS, **defaults, **item, **make_config(method, item.get("options") or {}).options()}
    first_trial = {key: _optuna_value(values, start.get(key)) for key, values in space.items()}
    study.enqueue_trial({key: value for key, value in first_trial.items() if value is not None})
    return Search(name, item, space, study)


def _distribution(key: str, values: Any) -> BaseDistribution:
    """Optuna's form of a search space; for a list its indices, because Optuna's choices are single values."""
    if isinstance(values, list) and values:
        return CategoricalDistribution(range(len(values)))
    if isinstance(values, Mapping) and {"low", "high"} <= set(values) <= {"low", "high", "log"}:
        kind = IntDistribution if all(type(values[end]) is int for end in ("low", "high")) else FloatDistribution
        ends = [values["low"], values["high"]]
        are_numbers = all(type(end) in (int, float) and isfinite(end) for end in ends)
        with suppress(ValueError):
            if are_numbers and ends[0] < ends[1] and isinstance(values.get("log", False), bool):
                return kind(**values)
    raise UsageError(
        f"search of {key} must be a list of choices, or {{low: ..., high: ...}} with low < high, and 0 < low under "
        f"log: true, not {values!r}."
    )


def _optuna_value(space: Any, value: Any) -> float | None:
    """Optuna's form of a value: its index in a list of choices, itself in a range; None if not in the space."""
    if isinstance(space, list):
        value = list(value) if isinstance(value, tuple) else value
        return space.index(value) if value in space else None
    inside = isinstance(value, (int, float)) and space["low"] <= value <= space["high"]
    return value if inside else None
