"""The state of a method: of itself it is loaded, of anything else refused before any of it is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from support.attached_methods import prepared, train, with_options
from support.small_models import bert
from uegr import UsageError


@pytest.mark.parametrize("other", ["plain", "freelb", "child-tuning-f"])
def test_the_state_of_another_method_is_refused(other: str) -> None:
    method, state = with_options("uegr", bert()), with_options(other, bert()).optimizer.state_dict()
    with pytest.raises(UsageError, match=f"is of the method {other} and this method is uegr: go on with {other}"):
        method.optimizer.load_state_dict(state)


def test_a_state_without_the_name_of_its_method_is_loaded() -> None:
    """As versions up to 0.1 wrote it."""
    method = with_options("uegr", bert())
    state = {**method.state_dict(), "steps": 7}
    del state["method"]
    method.load_state_dict(state)
    assert method.state_dict()["steps"] == 7


@pytest.mark.parametrize("state", [{}, {"calls": 1, "steps": 1}])
def test_what_is_no_state_of_a_method_is_refused(state: Any) -> None:
    with pytest.raises(UsageError, match="the state holds no 'backward': give what state_dict"):
        with_options("uegr", bert()).load_state_dict(state)


@pytest.mark.parametrize("state", [{}, None, "state"])
def test_what_is_no_state_of_an_optimizer_is_refused(state: Any) -> None:
    with pytest.raises(UsageError, match=r"what state_dict\(\) of the optimizer has returned"):
        with_options("uegr", bert()).optimizer.load_state_dict(state)


@pytest.mark.parametrize("name", ["l2-sp", "mixout", "child-tuning-d", "roast"])
def test_the_state_of_another_model_is_refused(name: str) -> None:
    """Before the first step, too, when the optimizer itself has no state that could tell."""
    state = prepared(name, bert()).optimizer.state_dict()
    for other in (bert(hidden_size=32), bert(num_hidden_layers=1)):
        for saved in (state["uegr"], {key: part for key, part in state["uegr"].items() if key != "parameter_shapes"}):
            with pytest.raises(UsageError, match="the state is of another model"):
                with_options(name, other).optimizer.load_state_dict({**state, "uegr": saved})


@pytest.mark.parametrize("options", [{"saliency": "taylor"}, {"mask_mode": "gradient"}])
def test_the_state_of_another_model_is_refused_before_any_of_it_is_loaded(options: dict[str, str]) -> None:
    """Where a loop loads the states of method and optimizer one by one, and where it loads them together."""
    models = [bert(), bert(hidden_size=32)]
    method, other = (with_options("uegr", model, refresh=1, **options) for model in models)
    train(method, models[0], range(1))
    method.optimizer.param_groups[0]["lr"] = 0.5
    without_moments = {**method.optimizer.state_dict(), "state": {}}  # of which the optimizer itself can tell
    for load, state in (
        (other.load_state_dict, method.state_dict()),
        (other.optimizer.load_state_dict, without_moments),
    ):
        with pytest.raises(UsageError, match=r"parameter 0 has shape \(.*, 32\), .*the state is of another model"):
            load(state)
    assert other.state_dict()["steps"] == other.state_dict()["calls"] == 0
    assert other.optimizer.param_groups[0]["lr"] == 0.01
    train(other, models[1], range(2))


def test_a_state_without_tensors_of_parameters_fits_other_shards() -> None:
    """As UEGR's by default: its scores are the optimizer's, and only a logged value is of sampled elements."""
    models = [bert(), bert(intermediate_size=64, num_labels=3)]
    method, other = (with_options("uegr", model, refresh=1) for model in models)
    train(method, models[0], range(1))
    other.load_state_dict(method.state_dict())
    train(other, models[1], range(2))
    assert other.state_dict()["steps"] == 3


@pytest.mark.parametrize("name", ["uegr", "freelb"])
def test_a_radius_that_was_measured_on_another_model_is_refused(name: str) -> None:
    state = with_options(name, bert()).state_dict()
    with pytest.raises(UsageError, match="of another model, whose embeddings have width 16 and not 64: load the one"):
        with_options(name, bert(hidden_size=64)).load_state_dict(state)
