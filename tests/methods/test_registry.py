"""Every option of every method is described, and every method has a card in the docs."""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from uegr import METHODS, FGMConfig, PGDConfig, RoASTConfig, UEGRConfig
from uegr.backward.roast import RoASTBackward
from uegr.forward.adversarial import AdversarialForward
from uegr.forward.roast import RoASTForward
from uegr.options import type_name


@pytest.mark.parametrize("name", METHODS)
def test_every_option_has_a_help_text_a_type_and_a_default_in_the_docstring(name: str) -> None:
    config_class = METHODS[name]
    text = inspect.getdoc(config_class) or ""
    for entry in dataclasses.fields(config_class):
        help_text = entry.metadata["help"]
        assert len(help_text) > 5 and not help_text.endswith("."), entry.name
        assert f"    {entry.name} ({type_name(entry.type)}, default {entry.default!r}): {help_text}." in text


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_what_it_does_in_one_sentence_and_names_its_source(name: str) -> None:
    config_class = METHODS[name]
    assert config_class.method == name
    assert config_class.summary().endswith(".")
    assert config_class.paper.startswith("arXiv ") or name == "plain"


def test_uegr_has_fewer_than_22_options() -> None:
    assert len(dataclasses.fields(UEGRConfig)) < 22


@pytest.mark.parametrize("name", METHODS)
def test_a_config_makes_its_stages_with_its_own_options(name: str) -> None:
    config = METHODS[name]()
    method = config.create()
    assert type(method.forward) is config.forward
    assert type(method.backward) is config.backward
    for stage in (method.forward, method.backward):
        for entry in fields(stage.options_class):
            assert getattr(stage.options, entry.name) == getattr(config, entry.name)


def test_no_option_belongs_to_a_forward_and_a_backward_stage() -> None:
    """Otherwise it would be unclear which of the stages of a pair an option is for."""

    def names(stages: set[type]) -> set[str]:
        return {entry.name for stage in stages for entry in fields(stage.options_class)}  # type: ignore[attr-defined]

    forward = names({config_class.forward for config_class in METHODS.values()})
    backward = names({config_class.backward for config_class in METHODS.values()})
    assert not forward & backward


def test_methods_of_one_stage_differ_in_their_defaults() -> None:
    assert FGMConfig.forward is PGDConfig.forward is AdversarialForward
    assert (FGMConfig().ascent_steps, FGMConfig().random_start, FGMConfig().clean_weight) == (1, False, 1.0)
    assert (PGDConfig().ascent_steps, PGDConfig().random_start, PGDConfig().clean_weight) == (3, True, 0.0)
    assert (RoASTConfig.forward, RoASTConfig.backward) == (RoASTForward, RoASTBackward)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_card_that_names_its_source(name: str) -> None:
    card = (Path(__file__).parents[2] / "docs" / "methods" / f"{name}.md").read_text()
    for heading in ("## How to use", "## Caveats"):
        assert heading in card
    paper = METHODS[name].paper
    assert paper in card or paper == "-"
