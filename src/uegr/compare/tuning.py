"""Tuning that is the same for every method: the same number of trials each, on validation data, from one seed.

A tuning file is a grid (see `grid`) with search spaces, for all methods and for each:

    trials: 10                        # of each method
    objective: mean                   # of "clean" and "robust"; or one of the two
    seed: 0                           # of the search
    search:                           # for every method
      learning_rate: {low: 2e-5, high: 5e-4, log: true}

    methods:                          # required
      - plain
      - {method: uegr, search: {epsilon: {low: 0.02, high: 0.12, log: true}, js_weight: [0, 0.3, 1, 3]}}
    tasks: [rotten_tomatoes, trec]
    seeds: 1

A list is a choice between values; {low, high} is a range, of whole numbers if both ends are whole. The key is an option
of the method or a setting of the grid. The first trial has the method's defaults, Optuna's TPE draws the others. The
value of a trial is its mean over all tasks, models and seeds. Trials are cells like all others and are kept in a
results file: a search that was stopped starts again from the first trial, and finds the runs that it has made.

Beside the results file NAME.jsonl, a search writes NAME.trials.json, with all trials of all methods, and
NAME.tuned.yaml, with the best of each method as the `methods` of a grid.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

import optuna
import yaml
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from uegr.atomic_files import write_json, write_text
from uegr.compare.grid import Grid, grid_name, make_grid
from uegr.compare.grid_entries import PARTS, SETTINGS, items
from uegr.compare.grid_runner import run_grid, unfinished
from uegr.compare.local_engines import Engine, OnEvent
from uegr.compare.measures import MEASURES
from uegr.compare.result_slot import Run
from uegr.compare.workspace import Workspace
from uegr.compare.yaml_files import load_with_references, mapping
from uegr.errors import StoppedError, UsageError, unknown
from uegr.methods.method_lookup import config_class, make_config
from uegr.options import check_option, option_fields

Objective = Literal["mean", "clean", "robust"]
OWN = ("trials", "objective", "seed", "search")
CLEAN, ROBUST = MEASURES[:2]
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
    def best(self) -> dict[str, Any]:
        """The trial of the highest value; the first of several equal ones."""
        done = [trial for trial in self.trials if trial["value"] is not None]
        if not done:
            raise UsageError(f"every trial of method '{self.name}' failed: correct the errors that its runs print.")
        return max(done, key=lambda trial: (trial["value"], -trial["number"]))

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


@dataclass(frozen=True)
class Tuning:
    """A tuning file.

    Args:
        name: name of the tuning; by default the name of the file.
        content: the grid without its methods, on validation data.
        searches: one per method.
        trials: the number of trials of each method.
        objective: the value of a trial.
    """

    name: str
    content: dict[str, Any]
    searches: tuple[Search, ...]
    trials: int
    objective: Objective

    def grid(self, entries: list[dict[str, Any]]) -> Grid:
        """The grid with these methods."""
        return make_grid({**self.content, "methods": entries}, self.name)


def read_tuning(path: Path) -> Tuning:
    """The searches of a tuning file."""
    try:
        return make_tuning(load_with_references(path), path.stem)
    except UsageError as error:
        raise UsageError(f"'{path}': {error}") from error


def make_tuning(content: Any, name: str) -> Tuning:
    """The searches that a mapping (a parsed YAML file) describes."""
    if not isinstance(content, Mapping) or "methods" not in content:
        raise UsageError("a tuning file must be a grid with 'search', 'trials' and 'methods'.")
    rest: dict[str, Any] = {key: value for key, value in content.items() if key not in (*OWN, "methods")}
    rest["defaults"] = {**mapping("defaults", rest.get("defaults")), "split": "validation"}
    trials, objective, seed = content.get("trials", 10), content.get("objective", "mean"), content.get("seed", 0)
    if type(trials) is not int or trials < 1:
        raise UsageError(f"trials must be a whole number of at least 1, not {trials!r}.")
    if type(seed) is not int or not 0 <= seed < 2**32:  # NumPy takes 32 bits
        raise UsageError(f"seed, of the search, must be a whole number from 0 to {2**32 - 1}, not {seed!r}.")
    if objective not in get_args(Objective):
        raise unknown("objective", objective, get_args(Objective))
    searches, for_all = [], mapping("search", content.get("search"))
    for entry in items(content, "methods"):
        item = dict(entry)
        method_name = str(item.get("name", item.get("method")))
        if "sweep" in item:
            raise UsageError(f"method '{method_name}' has a sweep, which tuning does not take: move it to 'search'.")
        space = {**for_all, **mapping(f"search of method '{method_name}'", item.pop("search", None))}
        searches.append(_search(method_name, item, space, rest["defaults"], seed))
    own_name = grid_name(rest, name)
    rest.pop("name", None)
    tuning = Tuning(own_name, rest, tuple(searches), trials, objective)
    tuning.grid([search.item for search in searches])  # raises on everything that is invalid in a grid
    return tuning


def tune(tuning: Tuning, workspace: Workspace, engine: Engine, on_event: OnEvent = lambda cell, event: None) -> None:
    """Run all trials, in rounds: the n-th trial of every method before the next of any.

    Writes the trials and the chosen values beside the results file; see `trials_path` and `tuned_path`.

    Raises:
        StoppedError: the user stopped it; the same call continues.
    """
    for number in range(tuning.trials):
        drawn_trials = [(search, search.study.ask(search.distributions)) for search in tuning.searches]
        chosen = [search.chosen(trial) for search, trial in drawn_trials]
        entries = [
            search.entry(params, f"{search.name} trial {number}")
            for (search, _), params in zip(drawn_trials, chosen, strict=True)
        ]
        grid = tuning.grid(entries)
        failures = run_grid(grid, workspace, engine, on_event)
        missing = unfinished(grid, workspace)
        if len(missing) > len(failures):
            raise StoppedError(f"stopped in trial {number} of {tuning.trials}: run the same command again to continue.")
        failed = {cell.method for cell in missing}
        for (search, trial), params, entry in zip(drawn_trials, chosen, entries, strict=True):
            value = None if entry["name"] in failed else _value(tuning.objective, grid, entry["name"], workspace)
            state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
            search.study.tell(trial, value, state=state)
            search.trials.append({"number": number, "params": params, "value": value})
        methods = [
            {"method": search.name, "search": search.space, "trials": search.trials} for search in tuning.searches
        ]
        about = {"objective": tuning.objective, "split": "validation", "trials": tuning.trials}
        write_json(trials_path(workspace), {**about, "methods": methods})
    best = [search.entry(search.best["params"], search.name) for search in tuning.searches]
    text = yaml.safe_dump({"methods": best}, sort_keys=False, default_flow_style=None)
    write_text(tuned_path(workspace), f"# The best of {tuning.trials} trials each.\n{text}")


def trials_path(workspace: Workspace) -> Path:
    """The file of all trials, beside the results file."""
    return workspace.results.path.with_suffix(".trials.json")


def tuned_path(workspace: Workspace) -> Path:
    """The file of the chosen values, beside the results file."""
    return workspace.results.path.with_suffix(".tuned.yaml")


def _search(name: str, item: dict[str, Any], space: dict[str, Any], defaults: dict[str, Any], seed: int) -> Search:
    method = str(item.get("method", name))
    if not space:
        raise UsageError(f"method '{name}' has nothing to search: add 'search' to it or to the file.")
    names = [*(option.name for option in option_fields(config_class(method))), *SETTINGS]
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


def _value(objective: Objective, grid: Grid, method: str, workspace: Workspace) -> float:
    """Mean over the method's runs."""
    runs = [workspace.results.find(cell) for cell in grid.cells if cell.method == method]
    values = [_of_run(objective, run) for run in runs if run is not None]
    return sum(values) / len(values)


def _of_run(objective: Objective, run: Run) -> float:
    clean, robust = float(CLEAN.value(run) or 0.0), float(ROBUST.value(run) or 0.0)
    return {"mean": (clean + robust) / 2, "clean": clean, "robust": robust}[objective]
