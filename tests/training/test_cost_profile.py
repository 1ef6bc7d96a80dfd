"""What a step of a method costs beside a plain one."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from support.small_models import batch, bert
from uegr import METHODS, UEGRConfig, make_config
from uegr.training.cost_profile import cost_in_words, measure_cost


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_cost_and_leaves_the_model_alone(name: str) -> None:
    model = bert()
    before = copy.deepcopy(model.state_dict())
    cost = measure_cost(model, batch(), make_config(name).create(), nullcontext, rounds=1)
    assert cost["flops"] > 0
    assert sum(cost["parts"].values()) == pytest.approx(1.0)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("options", "ratio"),
    [
        ({}, (2 + 2 + 3 * 2) / 3),
        ({"clean_weight": 0.0}, (2 + 3 * 2) / 3),
        ({"clean_weight": 0.0, "passes": 3, "ascent_steps": 2}, (4 + 3 * 3) / 3),
        ({"reuse": True, "passes": 1}, 2.0),
        ({"checkpoint_passes": True, "clean_weight": 0.0}, (2 + 4 * 2) / 3),
    ],
)
def test_flops_are_those_of_the_cost_model(options: dict[str, Any], ratio: float) -> None:
    """On a model whose matrices are large beside its embeddings, as those of a real one are."""
    model = bert(hidden_size=64, intermediate_size=256, num_hidden_layers=3)
    method = UEGRConfig(**options).create()
    cost = measure_cost(model, batch(8, 20), method, nullcontext, rounds=1)
    assert cost["flop_ratio"] == pytest.approx(ratio, rel=0.03)
    assert cost["flop_ratio"] == pytest.approx(method.cost() / 3, rel=0.03)


def test_attention_without_dropout_is_counted() -> None:
    """By hand: a forward and two products per matrix backward; fused attention computes its scores again."""
    width, layers, (rows, length) = 16, 2, (8, 20)
    model = bert(0.0, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers)
    cost = measure_cost(model, batch(rows, length), make_config("plain").create(), nullcontext, rounds=1)
    tokens, classes = rows * length, model.config.num_labels
    matrices = layers * tokens * (4 + 2 * 2) * width**2 + rows * (width**2 + width * classes)
    attention = layers * rows * length**2 * width
    assert cost["flops"] == 2 * (3 * matrices + (2 + 5) * attention)


def test_the_first_look_at_a_loss_is_no_part_of_the_cost() -> None:
    """A model of the user's own may compute another loss than its task's, so the first step makes one more pass."""
    model, own = bert(), bert()
    own.__class__ = type("OwnClassifier", (type(model),), {"__module__": "mine"})
    costs = [measure_cost(each, batch(), make_config("plain").create(), nullcontext, rounds=1) for each in (model, own)]
    assert costs[0]["flops"] == costs[1]["flops"]


def test_parts_say_where_the_time_goes() -> None:
    cost = measure_cost(bert(), batch(), UEGRConfig().create(), nullcontext, data_seconds=0.005, rounds=1)
    assert {"attack", "views", "passes", "forward", "backward", "selection", "optimizer", "data"} == set(cost["parts"])
    assert cost["parts"]["data"] == pytest.approx(0.005 / (0.005 + cost["step_seconds"]))
    assert "at most 3 MB" in (text := cost_in_words({**cost, "peak_memory": 3 * 2**20})) and "attack" in text
    assert cost["tokens_per_second"] == pytest.approx(int(batch()["attention_mask"].sum()) / cost["step_seconds"])


def test_a_cost_without_a_peak_memory_is_described() -> None:
    cost = measure_cost(bert(), batch(), make_config("plain").create(), nullcontext, rounds=1)
    assert "MB" not in cost_in_words({**cost, "peak_memory": None})
