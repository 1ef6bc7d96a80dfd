"""The search of one method: what it may choose, what it has tried, and Optuna's form of both."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Any, get_args

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from uegr.compare.cell import Cell
from uegr.compare.grid_entries import PARTS, SETTINGS
from uegr.errors import UsageError, unknown
from uegr.methods.method_lookup import config_class, make_config
from uegr.options import check_option, type_hints

MOST_DRAWS = 100
"""Number of draws in a row that may be refused before a trial counts as failed."""
SEARCHED = (*(key for key, part in SETTINGS.items() if part == "train"), "max_train_examples")
"""The settings that may be searched: they change neither the measurement nor the validation data."""


@dataclass(frozen=True)
class Draw:
    """The values of a trial.

    Args:
        params: option or setting -> value.
        entry: the method with these values, as an entry of a grid's "methods".
        trial: Optuna's.
        error: why no run can have these values, or None.
    """

    params: dict[str, Any]
    entry: dict[str, Any]
    trial: optuna.Trial
    error: str | None = None


@dataclass
class Search:
    """The search of one method.

    Args:
        name: name of the method in the file.
        item: entry of the method in the file, without the search.
        space: option or setting -> list of choices, or {low, high, log}.
        own: the method's own value of each key of the space; without those keys that tasks or models set differently.
        study: Optuna's.
        trials: the trials so far, in order: {"number", "params", "value"}; the value is None if a run failed. If no
            draw was accepted, "error" says why.
        refused: the draws that no run can have: {"params", "error"}.
    """

    name: str
    item: dict[str, Any]
    space: dict[str, Any]
    own: dict[str, Any]
    study: optuna.Study
    trials: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def best(self) -> dict[str, Any] | None:
        """The trial of the highest value; the first of several equal ones, and None if every trial failed."""
        done = [trial for trial in self.trials if trial["value"] is not None]
        return max(done, key=lambda trial: (trial["value"], -trial["number"]), default=None)

    @property
    def left_to_tasks(self) -> list[str]:
        """The keys of the space for which the best trial has the values that the file sets for each task and model."""
        return [key for key in self.space if self.best and key not in self.best["params"]]

    def draw(self, check: Callable[[list[dict[str, Any]]], object]) -> Draw:
        """The values of the next trial: first the method's own, which need not be in the space, then Optuna's.

        Values that `check` refuses, such as two options that exclude each other, are drawn again.

        Args:
            check: raises a UsageError for entries that no grid can have.
        """
        name = f"{self.name} trial {len(self.trials)}"
        distributions = {key: _distribution(self.method, key, values) for key, values in self.space.items()}
        if not self.trials:
            own = {key: _optuna_value(self.space[key], value) for key, value in self.own.items()}
            inside = {key: value for key, value in own.items() if value is not None}
            self.study.enqueue_trial(inside)
            trial = self.study.ask({key: distributions[key] for key in inside})
            return Draw(self.own, self.entry(self.own, name), trial)
        for _ in range(MOST_DRAWS):
            trial = self.study.ask(distributions)
            params = {
                key: space[value] if isinstance(space := self.space[key], list) else value
                for key, value in trial.params.items()
            }
            draw = Draw(params, self.entry(params, name), trial)
            try:
                check([draw.entry])
            except UsageError as error:
                draw = replace(draw, error=str(error))
                self.study.tell(trial, state=TrialState.FAIL)
                self.refused.append({"params": params, "error": draw.error})
            else:
                break
        return draw

    def record(self, draw: Draw, value: float | None) -> None:
        """Note the value of a trial, None if it failed."""
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        self.study.tell(draw.trial, value, state=state, skip_if_finished=True)
        error = {} if draw.error is None else {"error": draw.error}
        self.trials.append({"number": len(self.trials), "params": draw.params, "value": value, **error})

    @property
    def method(self) -> str:
        return str(self.item.get("method", self.name))

    def entry(self, params: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The method with these parameters, as an entry of a grid's "methods"."""
        options = {key: value for key, value in params.items() if key not in SETTINGS}
        settings = {key: value for key, value in params.items() if key in SETTINGS}
        all_options = {**(self.item.get("options") or {}), **options}
        return {**self.item, **settings, "name": name, "method": self.method, "options": all_options}


def start_search(name: str, item: dict[str, Any], space: dict[str, Any], cells: Sequence[Cell], seed: int) -> Search:
    """Check the search space of a method, and start its study.

    Args:
        name, item, space: see `Search`.
        cells: of the method without its search.
        seed: of the search.

    Raises:
        UsageError: there is nothing to search, a key is not an option or setting or belongs to the measurement, or its
            values cannot be searched.
    """
    if not space:
        raise UsageError(f"method '{name}' has nothing to search: add 'search' to it or to the file.")
    method = cells[0].config.method
    names = [*(option.name for option in fields(config_class(method))), *SEARCHED]
    for key, values in space.items():
        if key not in {*names, *SETTINGS}:
            raise unknown(f"option or setting of method {method}", key, names)
        if key not in names:
            instead = "" if key == "split" else ", and set it under 'defaults'"
            raise UsageError(
                f"all trials of method '{name}' are measured in one way on the same validation data: take {key} out of "
                f"'search'{instead}."
            )
        _distribution(method, key, values)
        for value in values if isinstance(values, list) else (values["low"], values["high"]):
            check_option(_options_class(method, key), key, value)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    return Search(name, item, space, _own_values(cells, space), study)


def _own_values(cells: Sequence[Cell], keys: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each key, as YAML holds it, without those keys of which the cells have several values."""
    own = {}
    for key in keys:
        first, *others = (_value_in(cell, key) for cell in cells)
        if all(value == first for value in others):
            own[key] = list(first) if isinstance(first, tuple) else first
    return own


def _value_in(cell: Cell, key: str) -> Any:
    config = cell.config
    if key in SETTINGS:
        return getattr(config.data if SETTINGS[key] == "data" else config, key)
    return make_config(config.method, config.options).options()[key]


def _options_class(method: str, key: str) -> type[Any]:
    """The class with the field of an option of the method, or of a setting."""
    return PARTS[SETTINGS[key]] if key in SETTINGS else config_class(method)


def _distribution(method: str, key: str, values: Any) -> BaseDistribution:
    """Optuna's form of a search space; for a list its indices, because Optuna's choices are single values."""
    if isinstance(values, list) and values:
        return CategoricalDistribution(range(len(values)))
    if isinstance(values, Mapping) and {"low", "high"} <= set(values) <= {"low", "high", "log"}:
        hint = type_hints(_options_class(method, key))[key]  # type: ignore[arg-type]  # a class is hashable
        kind = IntDistribution if int in (get_args(hint) or (hint,)) else FloatDistribution
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
        return space.index(value) if value in space else None
    inside = isinstance(value, (int, float)) and space["low"] <= value <= space["high"]
    return value if inside else None
