"""The three interfaces run the same code: their weights agree to the last bit, and they refuse the same things."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainingArguments

from conftest import tokenizer
from support.command_line import train_weights
from support.small_models import bert
from support.trainers import train_in_own_loop, trainer_of
from uegr import METHODS, UEGRConfig, UEGRTrainer, attacks, check, evaluate, make_config
from uegr.errors import UsageError
from uegr.methods.method import Method

ROWS = [{"text": "a film", "label": 0}]


@pytest.mark.parametrize("name", METHODS)
def test_interfaces_agree_to_the_last_bit(name: str, train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    trainer = trainer_of(make_config(name), train_file, model_folder, tmp_path / "trainer")
    trainer.train()
    weights_of_door = {
        "own loop": train_in_own_loop(name, train_file, model_folder),
        "trainer": trainer.model.state_dict(),
        "command line": train_weights(name, train_file, model_folder, tmp_path / "run"),
    }
    for key, value in weights_of_door["own loop"].items():
        for door, weights in weights_of_door.items():
            assert torch.equal(weights[key], value), f"{door} differs in {key}"


def attach(model: Any, tokenizer: Any = None) -> Method:
    weights = model.parameters() if isinstance(model, torch.nn.Module) else bert().parameters()
    return UEGRConfig().attach(model=model, optimizer=torch.optim.SGD(weights), tokenizer=tokenizer)


def batch_of_one() -> dict[str, torch.Tensor]:
    return {**tokenizer()(["a film"], return_tensors="pt"), "labels": torch.tensor([0])}


@pytest.mark.parametrize("given", ["bert", tokenizer(), type(bert())], ids=["a name", "a tokenizer", "a class"])
@pytest.mark.parametrize(
    "door",
    [
        check,
        lambda model: evaluate(model, tokenizer(), ROWS),
        lambda model: attacks.PGD()(model, batch_of_one(), epsilons=[0.1]),
        lambda model: attacks.DeepWordBug()(model, tokenizer(), ["a film"], [0]),
        attach,
    ],
    ids=["check", "evaluate", "attack on embeddings", "attack on text", "attach"],
)
def test_what_is_no_model_is_refused(door: Callable[[Any], Any], given: Any) -> None:
    with pytest.raises(UsageError, match="model must be a torch.nn.Module, not .*: load it first"):
        door(given)


@pytest.mark.parametrize(
    "given", ["bert", bert(), tokenizer().backend_tokenizer], ids=["a name", "a model", "a backend"]
)
@pytest.mark.parametrize(
    "door",
    [
        lambda given: evaluate(bert(), given, ROWS),
        lambda given: attacks.DeepWordBug()(bert(), given, ["a film"], [0]),
        lambda given: attach(bert(), tokenizer=given),
    ],
    ids=["evaluate", "attack on text", "attach"],
)
def test_what_is_no_tokenizer_is_refused(door: Callable[[Any], Any], given: Any) -> None:
    with pytest.raises(UsageError, match="tokenizer must be a tokenizer of transformers, not .*: load it first"):
        door(given)


@pytest.mark.parametrize("given", ["uegr", UEGRConfig, {"passes": 2}], ids=["a name", "a class", "a dict"])
def test_what_is_no_method_is_refused(given: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="method must be a configuration such as UEGRConfig\\(\\), not "):
        UEGRTrainer(bert(), TrainingArguments(str(tmp_path), report_to=[]), method=given)


@pytest.mark.parametrize(("texts", "labels"), [("a film", [0]), (["a film"], 0)])
def test_one_text_in_the_place_of_a_list_is_refused(texts: Any, labels: Any) -> None:
    with pytest.raises(UsageError, match="texts and labels must be lists"):
        attacks.DeepWordBug()(bert(), tokenizer(), texts, labels)
