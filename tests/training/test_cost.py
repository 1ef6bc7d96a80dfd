from __future__ import annotations

import copy
from contextlib import nullcontext

import pytest
import torch

from conftest import batch, bert
from uegr import METHODS, create_method
from uegr.modeling.profile import profile_section, profiled
from uegr.training.cost_profile import describe, measure_cost


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_cost_and_leaves_the_model_alone(name: str) -> None:
    model = bert()
    before = copy.deepcopy(model.state_dict())
    cost = measure_cost(model, batch(), create_method(name), nullcontext, rounds=1)
    assert cost["flops"] > 0
    assert cost["peak_memory"] > 2**20
    assert sum(cost["parts"].values()) == pytest.approx(1.0)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("options", "ratio"),
    [
        ({}, (2 + 2 + 3 * 2) / 3),
        ({"clean_weight": 0.0}, (2 + 3 * 2) / 3),
        ({"clean_weight": 0.0, "passes": 3, "steps": 2}, (4 + 3 * 3) / 3),
        ({"clean_weight": 0.0, "every": 2}, ((2 + 3 * 2) / 3 + 1) / 2),
        ({"clean_weight": 0.0, "warmup": 0.75}, 0.25 * (2 + 3 * 2) / 3 + 0.75),
        ({"reuse": True, "passes": 1}, 2.0),
        ({"shared_layers": 0.34}, (2 + 2 + 3 * 2 - 1) / 3),
        ({"batching": "joint"}, (2 + 2 + 3 * 2) / 3),
    ],
)
def test_flops_are_those_of_the_cost_model(options: dict[str, float], ratio: float) -> None:
    """A large model in the sense that matters: its matrices outweigh its embeddings."""
    model = bert(hidden_size=64, intermediate_size=256, num_hidden_layers=3)
    method = create_method("uegr", **options)
    cost = measure_cost(model, batch(8, 20), method, nullcontext, rounds=1)
    assert cost["flop_ratio"] == pytest.approx(ratio, rel=0.03)
    assert cost["flop_ratio"] == pytest.approx(method.cost() / 3, rel=0.03)


def test_parts_say_where_the_time_goes() -> None:
    cost = measure_cost(bert(), batch(), create_method("uegr"), nullcontext, data_seconds=0.005, rounds=1)
    assert {"attack", "passes", "forward", "backward", "selection", "optimizer", "data"} == set(cost["parts"])
    assert cost["parts"]["data"] == pytest.approx(0.005 / (0.005 + cost["step_seconds"]))
    assert "attack" in describe(cost)
    assert cost["tokens_per_second"] == pytest.approx(int(batch()["attention_mask"].sum()) / cost["step_seconds"])


def test_nobody_listening_costs_nothing_and_listeners_hear_their_own() -> None:
    with profile_section("before"):
        pass
    with profiled() as clock, profile_section("during"):
        pass
    with profile_section("after"):
        pass
    assert set(clock) == {"during"}
