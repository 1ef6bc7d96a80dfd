from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uegr.compare.grid import make_grid, read_grid
from uegr.compare.grid_runner import run_grid
from uegr.compare.ledger import Ledger
from uegr.compare.workspace import Workspace
from uegr.errors import UsageError

SMALL: dict[str, Any] = {"methods": ["plain", "uegr"], "tasks": ["rotten_tomatoes"], "seeds": 2}


def test_rounds_of_seeds_in_the_files_order() -> None:
    grid = make_grid({**SMALL, "models": ["textcnn", "bilstm"]}, "small")
    assert [(cell.seed, cell.model, cell.method) for cell in grid.cells] == [
        (seed, model, method) for seed in (0, 1) for model in ("textcnn", "bilstm") for method in ("plain", "uegr")
    ]
    assert (grid.name, grid.methods, grid.models) == ("small", ("plain", "uegr"), ("textcnn", "bilstm"))


def test_a_methods_word_counts_before_a_tasks_before_a_models() -> None:
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
    item = {"method": "uegr", "options": {"dropout_mode": "combination"}, "sweep": sweep}
    grid = make_grid({**SMALL, "methods": [item], "seeds": 1}, "g")
    assert grid.methods == tuple(f"uegr dropout={d} js_weight={w}" for d in ("0.1,0.1", "0.1,0.3") for w in (0, 1))
    assert grid.cells[2].config.options == {"dropout_mode": "combination", "dropout": (0.1, 0.3), "js_weight": 0}


def test_equal_compute_gives_fewer_steps_to_dearer_methods() -> None:
    methods = ["plain", {"name": "js", "method": "uegr", "options": {"adversary": False, "clean_weight": 0}}, "sam"]
    grid = make_grid({**SMALL, "methods": methods, "seeds": 1, "defaults": {"epochs": 6, "budget": "compute"}}, "g")
    plain, js, sam = grid.cells
    assert plain.config.epochs == 6
    assert sam.config.epochs == 3  # two forwards and two backwards
    assert js.config.epochs == 3  # two passes, 6 F, for plain's 3 F
    steps = make_grid({**SMALL, "defaults": {"max_steps": 90, "budget": "compute"}, "methods": methods}, "g")
    assert [cell.config.max_steps for cell in steps.cells[:2]] == [90, 45]


def test_models_by_environment_keep_paths_out_of_the_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_MODELS", str(tmp_path))
    cell = make_grid({**SMALL, "models": ["$SOME_MODELS/tiny"]}, "g").cells[0]
    assert cell.model == "tiny"
    assert str(tmp_path) not in str(cell.content())
    monkeypatch.delenv("SOME_MODELS")
    with pytest.raises(UsageError, match="set it to a folder"):
        run_grid(make_grid({**SMALL, "models": ["$SOME_MODELS/tiny"]}, "g"), Workspace(Ledger(tmp_path), tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": ["plain"]}, "unknown key 'method' .did you mean 'methods'"),
        ({"methods": []}, "at least one"),
        ({"methods": ["plane"]}, "did you mean 'plain'"),
        ({"methods": ["plain", "plain"]}, "stands twice among the methods"),
        ({"methods": [{"options": {}}]}, "write a name"),
        ({"methods": [{"method": "uegr", "options": {"epsilom": 1}}]}, "did you mean 'epsilon'"),
        ({"methods": [{"method": "uegr", "sweep": {"epsilon": 0.1}}]}, "must be a list of values"),
        ({"methods": [{"method": "uegr", "sweep": {"epsilon": [-1.0]}}]}, "epsilon must be above 0"),
        ({"tasks": ["rotten_potatoes"]}, "did you mean 'rotten_tomatoes'"),
        ({"tasks": [{"name": "rotten_tomatoes", "epoch": 2}]}, "did you mean 'epochs'"),
        ({"defaults": {"epochs": "many"}}, "epochs must be a number"),
        ({"defaults": {"attack_norm": "l3"}}, "unknown attack_norm"),
        ({"defaults": {"budget": "time"}}, "choose one of steps, compute"),
        ({"defaults": [1]}, "defaults must be a mapping"),
        ({"defaults": {"split": "validaton"}}, "choose one of test, validation"),
        ({"defaults": {"precision": "fp16"}}, "choose one of auto, fp32, bf16"),
        ({"defaults": {"epsilons": []}}, "epsilons must be a list"),
        ({"defaults": {"epsilons": [-1]}}, "none of them negative"),
        ({"defaults": {"attack_steps": 0}}, "at least one step"),
        ({"defaults": {"attack_examples": 0}}, "attack_examples must be at least 1"),
        ({"defaults": {"attacks": ["synonyms"]}}, "attacks must be a mapping"),
        ({"defaults": {"attacks": {"synonym": {}}}}, "did you mean 'synonyms'"),
        ({"defaults": {"attacks": {"auto-pgd": {"stepps": 5}}}}, "did you mean 'steps'"),
        ({"defaults": {"attacks": {"auto-pgd": 5}}}, "attack 'auto-pgd' must be a mapping"),
        ({"defaults": {"attacks": {"typos": {}}}, "tasks": ["stsb"]}, "'stsb' is none: give it attacks: {}"),
        ({"defaults": {"attacks": {"transfer": {}}}}, "no source to transfer from"),
        ({"defaults": {"typo_rate": 3.0}}, "typing errors must lie in"),
        ({"defaults": {"epochs": float("nan")}}, "epochs must be at least 0"),
        ({"defaults": {"learning_rate": -1.0}}, "learning_rate must be at least 0"),
        ({"defaults": {"warmup_ratio": 5.0}}, "warmup_ratio must be between 0 and 1"),
        ({"methods": [{"method": "uegr", "options": ["epsilon"]}]}, "options of method 'uegr' must be a mapping"),
        ({"methods": [{"method": "uegr", "options": {1: 2}}]}, "options of method 'uegr' must be a mapping"),
        ({"methods": [{"method": "uegr", "sweep": ["epsilon"]}]}, "sweep of method 'uegr' must be a mapping"),
        ({"seeds": [-1]}, "seed must be between 0"),
        ({"seeds": 0}, "a number of seeds"),
        ({"seeds": "five"}, "a number of seeds"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_grid({**SMALL, **change}, "g")


def test_methods_of_a_tuning_are_taken_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text("methods:\n- {name: uegr, method: uegr, learning_rate: 2e-4, options: {}}\n")
    (tmp_path / "grid.yaml").write_text("methods: tuned.yaml\ntasks: [rotten_tomatoes]\nseeds: 1\n")
    (cell,) = read_grid(tmp_path / "grid.yaml").cells
    assert (cell.method, cell.config.learning_rate) == ("uegr", 2e-4)
    (tmp_path / "tuned.yaml").write_text("trials: 3\n")
    with pytest.raises(UsageError, match=r"grid\.yaml'.*holds no 'methods'"):
        read_grid(tmp_path / "grid.yaml")


def test_a_base_says_what_the_grid_does_not(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text("name: shared\nmodels: [textcnn]\ndefaults: {epochs: 9, batch_size: 4}\n")
    (tmp_path / "second.yaml").write_text("base: first.yaml\ndefaults: {epochs: 2, attack_steps: 3}\n")
    own = "base: second.yaml\nmethods: [plain]\ntasks: [sst2]\nseeds: 1\ndefaults: {attack_steps: 7}\n"
    (tmp_path / "grid.yaml").write_text(own)
    grid = read_grid(tmp_path / "grid.yaml")
    (cell,) = grid.cells
    assert (grid.name, cell.model, cell.config.epochs, cell.config.batch_size) == ("shared", "textcnn", 2, 4)
    assert cell.measurement.attack_steps == 7
    (tmp_path / "first.yaml").write_text("base: second.yaml\n")
    with pytest.raises(UsageError, match=r"second\.yaml' is a base of itself"):
        read_grid(tmp_path / "grid.yaml")
    (tmp_path / "first.yaml").write_text("- plain\n")
    with pytest.raises(UsageError, match=r"'first\.yaml', the base, must be a mapping"):
        read_grid(tmp_path / "grid.yaml")


def test_files_are_read_with_their_name_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    with pytest.raises(UsageError, match="there is no file"):
        read_grid(path)
    path.write_bytes(b"methods: [\xff]\n")
    with pytest.raises(UsageError, match="no YAML in UTF-8"):
        read_grid(path)
    path.write_text("methods: [plain\n")
    with pytest.raises(UsageError, match="is no YAML"):
        read_grid(path)
    path.write_text("methods: [plain]\ntasks: [rotten_tomatoes]\n")
    with pytest.raises(UsageError, match=r"mine\.yaml.*has no 'seeds'"):
        read_grid(path)
    path.write_text(path.read_text() + "seeds: 1\ndefaults: {learning_rate: 1e-4}\n")
    assert read_grid(path).cells[0].config.learning_rate == 1e-4
    assert read_grid(path).name == "mine"
