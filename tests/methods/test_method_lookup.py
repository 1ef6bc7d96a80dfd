"""Methods by name, and pairs of two methods' stages."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from uegr import METHODS, PGDConfig, RoASTConfig, UEGRConfig, UsageError, make_config
from uegr.forward.adversarial import AdversarialForward
from uegr.methods.method_lookup import config_class


def test_a_name_gives_its_configuration() -> None:
    assert make_config("uegr", {"passes": 3}) == UEGRConfig(passes=3)
    assert make_config("pgd") == PGDConfig()
    assert METHODS["uegr"] is config_class("uegr") is UEGRConfig


def test_a_pair_takes_one_stage_of_each_method_with_the_defaults_of_that_method() -> None:
    """PGD and FGM share a stage, whose defaults are FGM's."""
    config = make_config("pgd+roast", {"alpha": 0.9, "epsilon": 0.2})
    assert (config.forward, config.backward) == (PGDConfig.forward, RoASTConfig.backward)
    own = {"alpha": 0.9, "epsilon": 0.2, "beta": RoASTConfig().beta}
    expected = {**PGDConfig().options(), **own}
    assert config.options() == expected
    assert make_config("fgm+roast").options()["ascent_steps"] == 1
    method = config.create()
    assert method.name == config.method == "pgd+roast"
    assert isinstance(method.forward, AdversarialForward)
    assert method.forward.adversary.random_start
    assert method.forward.adversary.ascent.steps == 3
    assert method.backward.selection.alpha == 0.9  # type: ignore[attr-defined]


def test_bounds_of_a_pair_are_those_of_its_methods() -> None:
    with pytest.raises(UsageError, match="ascent_steps must be at least 1"):
        make_config("pgd+roast", {"ascent_steps": 0})
    with pytest.raises(UsageError, match="reuse needs"):
        make_config("uegr+roast", {"reuse": True, "clean_weight": 0.0})


def test_a_pair_is_described_and_written_as_a_method_is() -> None:
    pair = config_class("pgd+roast")
    assert pair is config_class("pgd+roast")
    assert pair.paper == "arXiv 1706.06083 and arXiv 2312.04032"
    assert "random_start (bool, default True)" in (pair.__doc__ or "")
    config = pair.from_options({"alpha": 0.8})
    assert pair.from_dict(config.to_dict()) == config
    assert config_class("uegr+uegr").revision == UEGRConfig.revision


@pytest.mark.parametrize("name", ["pgd+roast", "uegr+uegr"])
def test_a_pair_is_pickled_and_copied(name: str) -> None:
    config = make_config(name, {"beta": 2.0})
    for same in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config)):
        assert same == config and type(same) is type(config)


@pytest.mark.parametrize("name", [None, UEGRConfig, UEGRConfig()])
def test_what_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(UsageError, match="a method is given by its name"):
        make_config(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ueger", "unknown method 'ueger' .did you mean 'uegr'"),
        ("pgd+raost", "did you mean 'roast'"),
        ("pgd+roast+sam", "more than two stages"),
        ("pgd+", "unknown method ''"),
    ],
)
def test_unknown_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_config(name)


def test_an_option_of_the_stage_that_a_pair_leaves_out_is_unknown() -> None:
    with pytest.raises(UsageError, match="unknown option of method pgd.roast 'adversarial_loss'"):
        make_config("pgd+roast", {"adversarial_loss": True})
