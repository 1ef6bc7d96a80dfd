from __future__ import annotations

from typing import Any

import pytest

from uegr.compare.grid import make_grid
from uegr.errors import UsageError

SMALL: dict[str, Any] = {"methods": ["plain", "uegr"], "tasks": ["rotten_tomatoes"], "seeds": 2}


def test_rounds_of_seeds_in_the_order_of_the_file() -> None:
    grid = make_grid({**SMALL, "models": ["textcnn", "bilstm"]}, "small")
    assert [(cell.seed, cell.model, cell.method) for cell in grid.cells] == [
        (seed, model, method) for seed in (0, 1) for model in ("textcnn", "bilstm") for method in ("plain", "uegr")
    ]
    assert (grid.name, grid.methods, grid.models) == ("small", ("plain", "uegr"), ("textcnn", "bilstm"))


def test_methods_override_tasks_and_tasks_override_models() -> None:
    grid = make_grid(
        {
            "methods": ["plain", {"name": "slow", "method": "uegr", "epochs": 4, "seeds": [7]}],
            "tasks": [{"name": "rotten_tomatoes", "epochs": 3, "batch_size": 3, "seeds": 1}],
            "models": [{"model": "textcnn", "epochs": 2, "batch_size": 2, "max_length": 2}],
            "seeds": 5,
            "defaults": {"epochs": 1, "batch_size": 1, "max_length": 1, "max_train_examples": 9, "attack_steps": 1},
        },
        "g",
    )
    plain, slow = grid.cells
    assert (plain.config.epochs, plain.config.batch_size, plain.config.max_length, plain.seed) == (3, 3, 2, 0)
    assert (slow.config.epochs, slow.config.batch_size, slow.config.max_length, slow.seed) == (4, 3, 2, 7)
    assert slow.config.data.max_train_examples == 9
    assert slow.measurement.attack_steps == 1


def test_sweep_makes_a_method_of_each_combination() -> None:
    sweep = {"dropout": [[0.1, 0.1], [0.1, 0.3]], "js_weight": [0, 1]}
    item = {"method": "uegr", "options": {"passes": 2}, "sweep": sweep}
    grid = make_grid({**SMALL, "methods": [item], "seeds": 1}, "g")
    assert grid.methods == tuple(f"uegr dropout={d} js_weight={w}" for d in ("0.1,0.1", "0.1,0.3") for w in (0, 1))
    assert grid.cells[2].config.options == {"passes": 2, "dropout": (0.1, 0.3), "js_weight": 0}


def test_equal_compute_gives_fewer_steps_to_methods_that_cost_more() -> None:
    methods = ["plain", "r-drop", "sam"]
    grid = make_grid({**SMALL, "methods": methods, "seeds": 1, "defaults": {"epochs": 6, "budget": "compute"}}, "g")
    plain, r_drop, sam = grid.cells
    assert plain.config.epochs == 6
    assert sam.config.epochs == 3  # two forwards and two backwards
    assert r_drop.config.epochs == 3  # two passes, 6 F, for plain's 3 F
    steps = make_grid({**SMALL, "defaults": {"max_steps": 90, "budget": "compute"}, "methods": methods}, "g")
    assert [cell.config.max_steps for cell in steps.cells[:2]] == [90, 45]


def test_tuned_values_take_the_place_of_a_method_on_the_tasks_that_name_them() -> None:
    tuned = [{"name": "uegr", "method": "uegr", "learning_rate": 2e-4, "options": {"epsilon": 0.1}}]
    methods = ["plain", {"method": "uegr", "options": {"passes": 1}}]
    tasks = ["rotten_tomatoes", "trec", "sst2"]
    grid = make_grid({"methods": methods, "tasks": tasks, "seeds": 1, "tuned": {"trec": tuned, "sst2": []}}, "g")
    options = {(cell.task, cell.method): cell.config.options for cell in grid.cells}
    untuned = {"passes": 1}
    assert [options[task, "uegr"] for task in tasks] == [untuned, {"epsilon": 0.1}, untuned]
    assert {cell.config.learning_rate for cell in grid.cells if cell.task == "trec"} == {1e-4, 2e-4}, "plain has none"


def test_methods_that_are_not_tuned_are_named(caplog: pytest.LogCaptureFixture) -> None:
    methods = ["plain", "freelb", {"method": "uegr"}, {"method": "uegr", "sweep": {"epsilon": [0.1]}}]
    grid: dict[str, Any] = {"methods": methods, "tasks": ["trec", "sst2", "cola"], "seeds": 1}
    options = [{"method": "uegr", "options": {"epsilon": 0.2}}]
    make_grid({**grid, "tuned": {"trec": options, "sst2": options, "cola": []}}, "g")
    (record,) = caplog.records
    assert record.getMessage() == "tuned has no freelb, uegr epsilon=0.1: on trec, sst2 the grid's own options are used"
    caplog.clear()
    make_grid({**grid, "methods": ["plain", "uegr"], "tuned": {"trec": options}}, "g")
    assert not caplog.records, "plain has no options"
    make_grid({**grid, "methods": ["plain", "uegr"], "tuned": {"trec": [{**options[0], "learning_rate": 1e-3}]}}, "g")
    assert "tuned has no plain: on trec" in caplog.text, "the learning rate of the others is tuned"


def test_a_grid_and_a_tuning_may_share_their_list_of_methods() -> None:
    method = {"method": "uegr", "options": {"passes": 1}, "search": {"epsilon": [0.1, 0.2]}}
    (cell,) = make_grid({**SMALL, "methods": [method], "seeds": 1}, "g").cells
    assert cell.config.options == {"passes": 1}


def test_defaults_for_data_of_your_own_do_not_concern_a_named_task() -> None:
    (cell,) = make_grid({**SMALL, "methods": ["plain"], "seeds": 1, "defaults": {"metric": "perplexity"}}, "g").cells
    assert cell.config.data.task == "rotten_tomatoes"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": ["plain"]}, "unknown key 'method' .did you mean 'methods'"),
        ({"methods": []}, "at least one"),
        ({"methods": ["plane"]}, "did you mean 'plain'"),
        ({"methods": ["plain", "plain"]}, "appears twice among the methods"),
        ({"methods": [{"options": {}}]}, "write a name"),
        ({"methods": [{"method": "uegr", "options": {"epsilom": 1}}]}, "did you mean 'epsilon'"),
        ({"methods": [{"method": "uegr", "sweep": {"epsilon": 0.1}}]}, "must be a list of values"),
        ({"methods": [{"method": "uegr", "sweep": {"epsilon": [-1.0]}}]}, "epsilon must be"),
        (
            {"methods": [{"method": "sam", "epsilons": [0.1], "max_test_examples": 50}]},
            "method 'sam' sets epsilons, max_test_examples, and all methods of a grid are measured alike",
        ),
        ({"tasks": ["rotten_potatoes"]}, "did you mean 'rotten_tomatoes'"),
        ({"tasks": [{"name": "rotten_tomatoes", "epoch": 2}]}, "did you mean 'epochs'"),
        (
            {"tasks": [{"task": "trec", "train_file": "a.csv"}]},
            "'trec' has a task and a train_file: leave one of them out",
        ),
        ({"tasks": [{"name": "mine", "task": "trec", "dataset": "a"}]}, "'mine' has a task and a dataset"),
        (
            {"tasks": [{"name": "trec", "metric": "macro_f1", "kind": "token"}]},
            "'trec' is a named task and has its own kind, metric",
        ),
        ({"tasks": [{"name": "trec", "validation_file": "a.csv"}]}, "has its own validation_file: take that out"),
        ({"tasks": ["wikitext2"], "defaults": {"metric": "token_accuracy"}}, "is measured by perplexity"),
        ({"defaults": {"epochs": "many"}}, "epochs must be a number"),
        ({"defaults": {"budget": "time"}}, "choose one of steps, compute"),
        ({"defaults": [1]}, "defaults must be a mapping"),
        ({"defaults": {"precision": "fp16"}}, "choose one of auto, fp32, bf16"),
        ({"defaults": {"epochs": float("nan")}}, "epochs must be a finite number"),
        ({"defaults": {"learning_rate": -1.0}}, "learning_rate must be at least 0"),
        ({"defaults": {"warmup_ratio": 5.0}}, "warmup_ratio must be between 0 and 1"),
        ({"methods": [{"method": "uegr", "options": ["epsilon"]}]}, "options of method 'uegr' must be a mapping"),
        ({"methods": [{"method": "uegr", "options": {1: 2}}]}, "options of method 'uegr' must be a mapping"),
        ({"methods": [{"method": "uegr", "sweep": ["epsilon"]}]}, "sweep of method 'uegr' must be a mapping"),
        ({"tuned": {"trec": ["plain"]}}, "unknown task in tuned 'trec'"),
        ({"tuned": ["plain"]}, "tuned must be a mapping"),
        ({"tuned": {"rotten_tomatoes": ["sam"]}}, "tuned has sam for .*, and the grid's methods are plain, uegr: give"),
        ({"tuned": {"rotten_tomatoes": ["plane"]}}, "did you mean 'plain'"),
        ({"name": None}, "'name' must be a name, not None"),
        ({"name": "a/b"}, "is used for a file and a folder"),
        ({"name": ".."}, "is used for a file and a folder"),
        ({"methods": [{"method": "plain", "name": False}]}, "the name of method 'plain' must be a name, not False"),
        ({"tasks": [{"name": {"a": 1}}]}, "a task must be a name"),
        ({"models": [{"model": ["x"]}]}, "a model must be a name"),
        ({"models": ""}, "a model must be a name, not ''"),
        ({"defaults": {"attacks": {None: None}}}, "attacks must be a mapping"),
        ({"defaults": {"training_arguments": {1: 2}}}, "'1' is not a field of TrainingArguments"),
        ({"defaults": {"training_arguments": {"seed": 7}}}, "hold seed, an option of the run itself: set seed beside"),
        ({"defaults": {"training_arguments": {"optin": "sgd"}}}, "did you mean 'optim'"),
        ({"seeds": [-1]}, "seed must be between 0"),
        ({"seeds": 0}, "a number of seeds"),
        ({"seeds": "five"}, "a number of seeds"),
    ],
)
def test_invalid_grids_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_grid({**SMALL, **change}, "g")
