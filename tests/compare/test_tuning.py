"""Searches over a made-up objective: trials are cells whose value is a formula of their options."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.command_line import run
from support.sample_runs import RUN
from uegr.compare.cell import Cell
from uegr.compare.grid import make_grid
from uegr.compare.local_engines import CellEvent, OnEvent
from uegr.compare.results_file import ResultsFile
from uegr.compare.tuning import make_tuning, tune
from uegr.compare.workspace import Workspace
from uegr.errors import StoppedError, TrainingError, UsageError
from uegr.methods.method_lookup import make_config

CONTENT: dict[str, Any] = {
    "trials": 6,
    "objective": "clean",
    "search": {"learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}},
    "methods": [
        "plain",
        {
            "method": "uegr",
            "options": {"passes": 1},
            "search": {"epsilon": [0.02, 0.06, 0.1], "refresh": {"low": 1, "high": 40}},
        },
    ],
    "tasks": ["sst2"],
    "seeds": 2,
}


class Formula:
    """Runs a cell by entering its value: best at learning rate 5e-4 and epsilon 0.1.

    Args:
        limit: stop after this number of cells, as Ctrl-C would.
        broken: trials that fail.
    """

    def __init__(self, limit: int = 10**9, broken: tuple[int, ...] = ()) -> None:
        self.cells: list[Cell] = []
        self.limit, self.broken = limit, broken

    def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
        for cell in cells:
            if len(self.cells) == self.limit:
                on_event(cell, CellEvent("interrupted"))
                return
            self.cells.append(cell)
            if any(cell.method.endswith(f"trial {number}") for number in self.broken):
                on_event(cell, CellEvent("failed", message="the loss became nan"))
                continue
            value = 0.9 - 100 * abs(cell.config.learning_rate - 5e-4) - 0.01 * cell.seed
            value += cell.config.options.get("epsilon", 0.0)
            curve = {**RUN["robustness"], "epsilons": [0.0, 0.1], "accuracy": [value, 0.5]}
            workspace.results.enter(cell, {**RUN, "metrics": {"accuracy": value}, "robustness": curve})


def workspace(folder: Path) -> Workspace:
    return Workspace(ResultsFile(folder / "t.jsonl"), folder / "runs")


def trials(folder: Path, method: str) -> list[dict[str, Any]]:
    searches = json.loads((folder / "t.trials.json").read_text())["methods"]
    trials_of: dict[str, list[dict[str, Any]]] = {search["method"]: search["trials"] for search in searches}
    return trials_of[method]


def test_every_method_gets_the_same_number_of_trials_on_validation_data(tmp_path: Path) -> None:
    engine = Formula()
    tune(make_tuning(CONTENT, "t"), workspace(tmp_path), engine)
    assert {cell.measurement.split for cell in engine.cells} == {"validation"}
    plain, uegr = trials(tmp_path, "plain"), trials(tmp_path, "uegr")
    assert len(plain) == len(uegr) == 6
    assert plain[0]["params"] == {"learning_rate": 1e-4}
    defaults = make_config("uegr").options()
    assert uegr[0]["params"] == {"learning_rate": 1e-4, **{name: defaults[name] for name in ("epsilon", "refresh")}}
    assert uegr[0]["value"] == pytest.approx(0.9 - 0.04 - 0.005 + defaults["epsilon"]), "the mean over two seeds"
    assert all(isinstance(trial["params"]["refresh"], int) and 1 <= trial["params"]["refresh"] <= 40 for trial in uegr)
    chosen = yaml.safe_load((tmp_path / "t.tuned.yaml").read_text())["methods"]
    best = max(uegr, key=lambda trial: trial["value"])
    assert chosen[1]["options"] == {
        "passes": 1,
        "epsilon": best["params"]["epsilon"],
        "refresh": best["params"]["refresh"],
    }
    cells = make_grid({"tasks": ["sst2"], "seeds": 1, "methods": chosen}, "g").cells  # the fragment fits into a grid
    assert cells[1].config.learning_rate == best["params"]["learning_rate"]


def test_a_stopped_search_continues_and_ends_as_a_whole_one(tmp_path: Path) -> None:
    tune(make_tuning(CONTENT, "t"), workspace(tmp_path / "whole"), Formula())
    with pytest.raises(StoppedError, match="in trial 2 of 6"):
        tune(make_tuning(CONTENT, "t"), workspace(tmp_path / "cut"), Formula(limit=9))
    rest = Formula()
    tune(make_tuning(CONTENT, "t"), workspace(tmp_path / "cut"), rest)
    assert len(rest.cells) == 2 * 2 * 6 - 9
    for method in ("plain", "uegr"):
        assert trials(tmp_path / "cut", method) == trials(tmp_path / "whole", method)


def test_what_a_stopped_search_has_chosen_so_far_is_written(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        tune(make_tuning(CONTENT, "t"), workspace(tmp_path), Formula(limit=9))
    text = (tmp_path / "t.tuned.yaml").read_text()
    assert text.startswith("# The best of 2 trials each.\n") and len(yaml.safe_load(text)["methods"]) == 2


def test_values_that_exclude_each_other_are_drawn_again(tmp_path: Path) -> None:
    both = {"reuse": [False, True], "checkpoint_passes": [False, True]}
    methods = ["plain", {"method": "uegr", "search": both}]
    tune(make_tuning({**CONTENT, "methods": methods}, "t"), workspace(tmp_path), Formula())
    plain, uegr = trials(tmp_path, "plain"), trials(tmp_path, "uegr")
    assert [trial["value"] is not None for trial in (*plain, *uegr)] == [True] * 12
    assert not any(trial["params"]["reuse"] and trial["params"]["checkpoint_passes"] for trial in uegr)
    searches = json.loads((tmp_path / "t.trials.json").read_text())["methods"]
    assert not searches[0]["refused"] and searches[1]["refused"]
    assert all("no checkpoint_passes" in draw["error"] for draw in searches[1]["refused"])


def test_a_space_of_which_no_run_is_possible_costs_no_other_method_its_trials(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    methods = ["plain", {"method": "uegr", "search": {"reuse": [True], "checkpoint_passes": [True]}}]
    tune(make_tuning({**CONTENT, "trials": 2, "methods": methods}, "t"), workspace(tmp_path), Formula())
    assert all(trial["value"] is not None for trial in trials(tmp_path, "plain"))
    own, impossible = trials(tmp_path, "uegr")
    assert own["value"] is not None, "the method's own values are not in the space, and are possible"
    assert impossible["value"] is None and "no checkpoint_passes" in impossible["error"]
    assert "uegr: no run can have what was drawn for trial 1" in caplog.text


@pytest.mark.parametrize(
    ("change", "rates", "params"),
    [
        ({}, {1e-4}, {"learning_rate": 1e-4}),
        ({"models": [{"model": "bert", "learning_rate": 5e-5}]}, {5e-5}, {"learning_rate": 5e-5}),
        ({"models": ["bert", {"model": "gpt2", "learning_rate": 5e-5}]}, {1e-4, 5e-5}, {}),
        ({"methods": [{"method": "plain", "options": None, "learning_rate": 1e-3}]}, {1e-3}, {"learning_rate": 1e-3}),
    ],
)
def test_the_first_trial_has_the_method_s_own_values_in_the_space_or_not(
    change: dict[str, Any], rates: set[float], params: dict[str, Any], tmp_path: Path
) -> None:
    search = {"learning_rate": {"low": 0.1, "high": 0.2}}  # worse than all of them
    content = {**CONTENT, "methods": ["plain"], "trials": 2, "search": search, **change}
    engine = Formula()
    tune(make_tuning(content, "t"), workspace(tmp_path), engine)
    assert {cell.config.learning_rate for cell in engine.cells if cell.method.endswith("trial 0")} == rates
    assert trials(tmp_path, "plain")[0]["params"] == params
    text = (tmp_path / "t.tuned.yaml").read_text()
    chosen = yaml.safe_load(text)["methods"][0]
    assert chosen.get("learning_rate") == params.get("learning_rate")
    note = "# plain: the best trial has the learning_rate that the tuning sets for each task and model."
    assert (note in text) == (not params)


def test_the_first_trial_has_its_own_share_of_the_epochs_of_equal_compute(tmp_path: Path) -> None:
    defaults, uegr = {"budget": "compute", "epochs": 4}, {"method": "uegr", "search": {"epochs": [8]}}
    engine = Formula()
    tuning = make_tuning({**CONTENT, "trials": 1, "defaults": defaults, "methods": ["plain", uegr]}, "t")
    tune(tuning, workspace(tmp_path), engine)
    untuned = make_grid({"tasks": ["sst2"], "seeds": 1, "methods": ["uegr"], "defaults": defaults}, "g").cells[0]
    assert untuned.config.epochs < 4
    assert engine.cells[-1].config.epochs == untuned.config.epochs
    assert trials(tmp_path, "uegr")[0]["params"]["epochs"] == 4


def test_a_range_is_of_whole_numbers_where_the_option_is_one(tmp_path: Path) -> None:
    spaces = {"epsilon": {"low": 0, "high": 1}, "refresh": {"low": 1, "high": 40}}
    tune(
        make_tuning({**CONTENT, "methods": [{"method": "uegr", "search": spaces}]}, "t"), workspace(tmp_path), Formula()
    )
    drawn = [trial["params"] for trial in trials(tmp_path, "uegr")[1:]]
    assert any(0 < params["epsilon"] < 1 for params in drawn)
    assert all(type(params["refresh"]) is int for params in drawn)


def test_ctrl_c_stops_a_search_also_where_the_runs_of_its_trial_are_there(tmp_path: Path) -> None:
    class StopsAtTheEnd(Formula):
        def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
            super().run(cells, workspace, on_event)
            raise KeyboardInterrupt

    with pytest.raises(StoppedError, match="stopped in trial 0 of 6: run the same command again to continue"):
        tune(make_tuning(CONTENT, "t"), workspace(tmp_path), StopsAtTheEnd())


@pytest.mark.parametrize("objective", ["mean", "robust"])
def test_a_model_that_collapsed_is_not_chosen(objective: str, tmp_path: Path) -> None:
    """A constant prediction has the accuracy of its class at every radius, which beats most robust ones."""

    class CollapsesAtHighRates(Formula):
        def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
            for cell in cells:
                accuracy = [0.7, 0.7] if cell.config.learning_rate > 1.1e-4 else [0.8, 0.3]
                curve = {**RUN["robustness"], "epsilons": [0.0, 0.1], "accuracy": accuracy}
                run = {**RUN, "metrics": {"accuracy": accuracy[0]}, "robustness": curve}
                workspace.results.enter(cell, run)

    tune(make_tuning({**CONTENT, "objective": objective}, "t"), workspace(tmp_path), CollapsesAtHighRates())
    rates = [trial["params"]["learning_rate"] for trial in trials(tmp_path, "plain")]
    assert max(rates) > 1.1e-4, "a trial collapsed"
    chosen = yaml.safe_load((tmp_path / "t.tuned.yaml").read_text())["methods"]
    assert all(entry["learning_rate"] <= 1.1e-4 for entry in chosen)


def test_a_failing_trial_is_a_trial(tmp_path: Path) -> None:
    tune(make_tuning(CONTENT, "t"), workspace(tmp_path), Formula(broken=(1,)))
    assert [trial["value"] is None for trial in trials(tmp_path, "plain")] == [False, True] + [False] * 4
    with pytest.raises(TrainingError, match="every trial of method 'plain', 'uegr' failed: correct"):
        tune(make_tuning({**CONTENT, "trials": 1}, "t"), workspace(tmp_path / "all"), Formula(broken=(0,)))


class PlainFails(Formula):
    """All runs of plain fail."""

    def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
        super().run([cell for cell in cells if cell.config.method != "plain"], workspace, on_event)
        for cell in cells:
            if cell.config.method == "plain":
                on_event(cell, CellEvent("failed", message="the loss became nan"))


def test_a_method_without_a_finished_trial_costs_no_other_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("uegr.compare.grid_runner.check_data", lambda grid, workspace: None)
    (tmp_path / "t.yaml").write_text(yaml.safe_dump({**CONTENT, "trials": 2}))
    command = ["tune", str(tmp_path / "t.yaml"), "--runs_dir", str(tmp_path / "runs"), "--results"]
    for engine, name, code, error, methods in (
        (PlainFails(), "plain", 1, "every trial of method 'plain' failed: correct", ["uegr"]),
        (Formula(broken=(1,)), "some", 1, "2 of 4 trials failed: fix the cause", ["plain", "uegr"]),
        (Formula(broken=(0, 1)), "all", 1, "every trial of method 'plain', 'uegr' failed", None),
    ):
        monkeypatch.setattr("uegr.compare.grid_runner.engine_of", lambda *_, engine=engine: engine)
        assert run([*command, str(tmp_path / f"{name}.jsonl")]) == code
        out, err = capsys.readouterr()
        assert error in err and ("best clean" in out) == (methods is not None)
        tuned = tmp_path / f"{name}.tuned.yaml"
        written = yaml.safe_load(tuned.read_text())["methods"] if tuned.exists() else None
        assert methods == (written and [entry["name"] for entry in written])


def test_what_was_drawn_again_and_what_tasks_and_models_set_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("uegr.compare.grid_runner.check_data", lambda grid, workspace: None)
    monkeypatch.setattr("uegr.compare.grid_runner.engine_of", lambda *_: Formula())
    space = {"learning_rate": [0.1], "reuse": [False, True], "checkpoint_passes": [False, True]}
    models = ["bert", {"model": "gpt2", "learning_rate": 5e-5}]
    content = {**CONTENT, "search": {}, "methods": [{"method": "uegr", "search": space}], "models": models}
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(content))
    files = ["--runs_dir", str(tmp_path / "runs"), "--results", str(tmp_path / "t.jsonl")]
    assert run(["tune", str(tmp_path / "t.yaml"), *files]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "learning_rate of each task and model" in printed
    assert "values that no run can have, 5 in all, were drawn again, such as {'checkpoint_passes': True" in printed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trials": 0}, "at least 1"),
        ({"tuned": {"sst2": ["plain"]}}, "'tuned' is for grids: take it out"),
        ({"objective": "speed"}, "choose one of mean, clean, robust"),
        ({"search": None}, "nothing to search"),
        ({"search": {"learning_rates": [1]}}, "did you mean 'learning_rate'"),
        ({"search": {"learning_rate": {"low": 1}}}, "list of choices"),
        ({"search": {"learning_rate": {"low": 2, "high": 1}}}, "list of choices"),
        ({"search": {"learning_rate": {"low": 0, "high": 1, "log": True}}}, "0 < low under log: true"),
        ({"search": {"learning_rate": {"low": "a", "high": "b"}}}, "list of choices"),
        ({"search": {"learning_rate": {"low": 1, "high": float("inf")}}}, "list of choices"),
        ({"search": {"learning_rate": {"low": 1, "high": 2, "log": "no"}}}, "list of choices"),
        ({"search": {"learning_rate": {"low": -1, "high": 2}}}, "learning_rate must be at least 0, not -1"),
        ({"search": {"learning_rate": [1e-4, "fast"]}}, "learning_rate must be a number, not 'fast'"),
        ({"trials": True}, "trials must be a whole number"),
        ({"seed": 2**32}, "seed, of the search"),
        ({"name": "../mine"}, "is used for a file and a folder"),
        ({"search": ["learning_rate"]}, "search must be a mapping"),
        ({"seed": "a"}, "seed, of the search"),
        ({"methods": None}, "'methods' must be a list"),
        ({"methods": [3]}, "write a name"),
        ({"methods": [{"method": "uegr", "sweep": {"epsilon": [0.1]}}]}, "move it to 'search'"),
        ({"methods": [{"method": "uegr", "search": ["epsilon"]}]}, "search of method 'uegr' must be a mapping"),
        ({"tasks": ["sst22"]}, "did you mean 'sst2'"),
        ({"tasks": ["trec", {"name": "sst2", "split": "test"}]}, "on task 'sst2' .* split: test: take split out"),
        ({"models": [{"model": "bert", "split": "test"}]}, "model 'bert' has split: test"),
        ({"methods": ["plain", {"method": "uegr", "split": "test"}]}, "method 'uegr' sets split, and all methods"),
        ({"search": {"split": ["validation", "test"]}}, "take split out of 'search'\\."),
        (
            {"search": {"epsilons": [[0, 0.08], [0, 0.001]]}},
            "take epsilons out of 'search', and set it under 'defaults'",
        ),
        ({"search": {"attack_examples": [8, 16]}}, "take attack_examples out of 'search'"),
        ({"search": {"max_test_examples": [8, 16]}}, "take max_test_examples out of 'search'"),
        ({"search": {"text_column": ["text", "title"]}}, "take text_column out of 'search'"),
        ({"objective": "robust", "defaults": {"epsilons": [0]}}, "robust needs an epsilon above 0, and task 'sst2'"),
        ({"objective": "mean", "tasks": ["trec", {"name": "sst2", "epsilons": [0]}]}, "and task 'sst2' has none"),
        ({"methods": [{"method": "plain", "options": [1]}]}, "options of method 'plain' must be a mapping"),
    ],
)
def test_invalid_tunings_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_tuning({**CONTENT, **change}, "t")


def test_a_tuning_has_its_own_name_or_that_of_its_file() -> None:
    assert make_tuning(CONTENT, "search").name == "search"
    assert make_tuning({**CONTENT, "name": "mine"}, "search").name == "mine"
