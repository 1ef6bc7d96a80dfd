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

A list is a choice between values; {low, high} is a range, of whole numbers if the option is one. The key is an option
of the method or a setting of its training. The first trial has the method's own values, in the space or not; Optuna's
TPE draws the others, and draws again where no run can have the values. The value of a trial is its mean over all tasks,
models and seeds. Trials are cells like all others and are kept in a results file: a search that was stopped starts
again from the first trial, and finds the runs that it has made.

Beside the results file NAME.jsonl, a search writes NAME.trials.json, with all trials of all methods, and
NAME.tuned.yaml, with the best of each method as the `methods` of a grid. Both are written after each round of trials.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, get_args

import yaml

from uegr.atomic_files import write_json, write_text
from uegr.compare.grid import Grid, grid_name, make_grid
from uegr.compare.grid_entries import items
from uegr.compare.grid_runner import run_grid, unfinished
from uegr.compare.local_engines import Engine, OnEvent
from uegr.compare.measures import CLEAN, ROBUST, collapsed
from uegr.compare.method_search import Search, start_search
from uegr.compare.workspace import Workspace
from uegr.compare.yaml_files import load_with_references, mapping
from uegr.errors import StoppedError, TrainingError, UsageError, unknown
from uegr.runs.run_result import RunResult

logger = logging.getLogger("uegr")
Objective = Literal["mean", "clean", "robust"]
OWN = ("trials", "objective", "seed", "search")
VALIDATION = "validation"


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
        """The grid with these methods.

        Raises:
            UsageError: a run of it would be measured on test data.
        """
        if not entries:
            return Grid(self.name, ())
        grid = make_grid({**self.content, "methods": entries}, self.name)
        if tested := next((cell for cell in grid.cells if cell.measurement.split != VALIDATION), None):
            raise UsageError(
                f"nothing may be chosen on test data, and method '{tested.method}' on task '{tested.task}' with model "
                f"'{tested.model}' has split: {tested.measurement.split}: take split out of the entry that sets it."
            )
        return grid


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
    if content.get("tuned"):
        raise UsageError("'tuned' is for grids: take it out, or write tuned: {} if it is in the base of this file.")
    rest: dict[str, Any] = {key: value for key, value in content.items() if key not in (*OWN, "methods")}
    rest["defaults"] = {**mapping("defaults", rest.get("defaults")), "split": VALIDATION}
    trials, objective, seed = content.get("trials", 10), content.get("objective", "mean"), content.get("seed", 0)
    if type(trials) is not int or trials < 1:
        raise UsageError(f"trials must be a whole number of at least 1, not {trials!r}.")
    if type(seed) is not int or not 0 <= seed < 2**32:  # NumPy takes 32 bits
        raise UsageError(f"seed, of the search, must be a whole number from 0 to {2**32 - 1}, not {seed!r}.")
    if objective not in get_args(Objective):
        raise unknown("objective", objective, get_args(Objective))
    own_name = grid_name(rest, name)
    rest.pop("name", None)
    searches, for_all = [], mapping("search", content.get("search"))
    for entry in items(content, "methods"):
        item = dict(entry)
        method_name = str(item.get("name", item.get("method")))
        if "sweep" in item:
            raise UsageError(f"method '{method_name}' has a sweep, which tuning does not take: move it to 'search'.")
        space = {**for_all, **mapping(f"search of method '{method_name}'", item.pop("search", None))}
        # A budget of compute changes epochs and steps.
        untuned = make_grid({**rest, "methods": [{**item, "budget": "steps"}]}, own_name)
        searches.append(start_search(method_name, item, space, untuned.cells, seed))
    tuning = Tuning(own_name, rest, tuple(searches), trials, objective)
    grid = tuning.grid([search.item for search in searches])  # raises on everything that is invalid in a grid
    unattacked = next((cell.task for cell in grid.cells if max(cell.measurement.epsilons) <= 0), None)
    if objective != "clean" and unattacked is not None:
        raise UsageError(
            f"objective: {objective} needs an epsilon above 0, and task '{unattacked}' has none: add one to its "
            "epsilons, or write objective: clean."
        )
    return tuning


def tune(tuning: Tuning, workspace: Workspace, engine: Engine, on_event: OnEvent = lambda cell, event: None) -> None:
    """Run all trials, in rounds: the n-th trial of every method before the next of any.

    Writes the trials and the best values so far beside the results file, after each round; see `trials_path` and
    `tuned_path`.

    Raises:
        StoppedError: the user stopped it; the same call continues.
        TrainingError: every trial of a method failed; what was chosen for the other methods is written.
    """
    for number in range(tuning.trials):
        try:
            is_whole = _run_round(tuning, workspace, engine, on_event)
        except KeyboardInterrupt:
            is_whole = False
        if not is_whole:
            reason = f"stopped in trial {number} of {tuning.trials}"
            raise StoppedError(reason, ": run the same command again to continue.")
    if without := ", ".join(f"'{search.name}'" for search in tuning.searches if not search.best):
        raise TrainingError(f"every trial of method {without} failed: correct the errors that its runs print.")


def _run_round(tuning: Tuning, workspace: Workspace, engine: Engine, on_event: OnEvent) -> bool:
    """Run one trial of every method, and write what was found; False if the user stopped the runs."""
    draws = [(search, search.draw(tuning.grid)) for search in tuning.searches]
    for search, draw in draws:
        if draw.error:
            logger.warning(
                "%s: no run can have what was drawn for trial %d: %s", search.name, len(search.trials), draw.error
            )
    grid = tuning.grid([draw.entry for _, draw in draws if not draw.error])
    failures = run_grid(grid, workspace, engine, on_event)
    missing = unfinished(grid, workspace)
    if len(missing) > len(failures):
        return False
    failed = {cell.method for cell in missing}
    for search, draw in draws:
        name = draw.entry["name"]
        search.record(draw, None if draw.error or name in failed else _value(tuning.objective, grid, name, workspace))
    _write(tuning, workspace)
    return True


def _write(tuning: Tuning, workspace: Workspace) -> None:
    methods = [
        {"method": search.name, "search": search.space, "trials": search.trials, "refused": search.refused}
        for search in tuning.searches
    ]
    about = {"objective": tuning.objective, "split": VALIDATION, "trials": tuning.trials}
    write_json(trials_path(workspace), {**about, "methods": methods})
    best = [(search, search.best["params"]) for search in tuning.searches if search.best]
    if best:
        lines = [f"# The best of {len(tuning.searches[0].trials)} trials each."]
        lines += [
            f"# {search.name}: the best trial has the {key} that the tuning sets for each task and model."
            for search, _ in best
            for key in search.left_to_tasks
        ]
        entries = [search.entry(params, search.name) for search, params in best]
        lines.append(yaml.safe_dump({"methods": entries}, sort_keys=False, default_flow_style=None))
        write_text(tuned_path(workspace), "\n".join(lines))


def trials_path(workspace: Workspace) -> Path:
    """The file of all trials, beside the results file."""
    return workspace.results.path.with_suffix(".trials.json")


def tuned_path(workspace: Workspace) -> Path:
    """The file of the chosen values, beside the results file."""
    return workspace.results.path.with_suffix(".tuned.yaml")


def _value(objective: Objective, grid: Grid, method: str, workspace: Workspace) -> float:
    """Mean over the method's runs."""
    slots = workspace.results.slots(cell for cell in grid.cells if cell.method == method)
    values = [_of_run(objective, slot.result) for slot in slots if slot.result is not None]
    return sum(values) / len(values)


def _of_run(objective: Objective, run: RunResult) -> float:
    """The value of a run; 0 if the model collapsed to a constant prediction, which is robust to any attack."""
    if collapsed(run):
        return 0.0
    measures = {"mean": (CLEAN, ROBUST), "clean": (CLEAN,), "robust": (ROBUST,)}[objective]
    return fmean(measure.number(run) for measure in measures)
