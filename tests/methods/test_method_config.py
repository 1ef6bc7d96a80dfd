"""Configurations: JSON and back, and what they refuse."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from uegr import METHODS, PlainConfig, RDropConfig, RoASTConfig, SMARTConfig, UEGRConfig, UsageError, make_config
from uegr.methods.method_config import METHOD_CONFIG, MethodConfig


def changed(config: MethodConfig) -> MethodConfig:
    """The configuration with another value for its first number, where it has one."""
    for name, value in config.options().items():
        if isinstance(value, float) and value > 0:
            return dataclasses.replace(config, **{name: value / 2})
    return config


@pytest.mark.parametrize("name", METHODS)
def test_json_and_back_is_the_same_configuration(name: str) -> None:
    config_class = METHODS[name]
    for config in (config_class(), changed(config_class())):
        values = json.loads(json.dumps(config.to_dict()))
        assert values["method"] == name
        assert config_class.from_dict(values) == config


@pytest.mark.parametrize("name", METHODS)
def test_a_file_and_back_is_the_same_configuration(name: str, tmp_path: Path) -> None:
    config = changed(METHODS[name]())
    config.save_pretrained(tmp_path)
    assert json.loads((tmp_path / METHOD_CONFIG).read_text()) == config.to_dict()
    assert type(config).from_pretrained(tmp_path) == config


def test_a_tuple_is_a_list_in_json_and_a_tuple_again() -> None:
    config = UEGRConfig(passes=3, dropout=(0.1, 0.2, 0.3))
    assert config.to_dict()["dropout"] == [0.1, 0.2, 0.3]
    assert UEGRConfig.from_dict(config.to_dict()).dropout == (0.1, 0.2, 0.3)


def test_options_that_are_left_out_have_their_defaults() -> None:
    assert UEGRConfig.from_dict({"passes": 3}) == UEGRConfig(passes=3)


def test_the_configuration_of_another_method_is_refused() -> None:
    with pytest.raises(UsageError, match="method 'roast': read it with that method's class, not with UEGRConfig"):
        UEGRConfig.from_dict(RoASTConfig().to_dict())


def test_a_folder_without_a_readable_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no .*method_config.json"):
        UEGRConfig.from_pretrained(tmp_path)
    for text, message in (("{", "is not valid JSON"), ("[]", "holds list and not an object")):
        (tmp_path / METHOD_CONFIG).write_text(text)
        with pytest.raises(UsageError, match=message):
            UEGRConfig.from_pretrained(tmp_path)


def test_a_configuration_is_frozen_hashable_and_compares_by_value() -> None:
    config = UEGRConfig(passes=3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.passes = 4  # type: ignore[misc]
    assert config == UEGRConfig(passes=3) != UEGRConfig()
    assert len({config, UEGRConfig(passes=3), UEGRConfig()}) == 2


def test_options_are_keywords_only() -> None:
    with pytest.raises(TypeError):
        UEGRConfig(3)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("config_class", "options", "message"),
    [
        (UEGRConfig, {"epsilo": 0.1}, r"unknown option of method uegr 'epsilo' \(did you mean 'epsilon'\?\)"),
        (PlainConfig, {"epsilon": 0.1}, "unknown option of method plain 'epsilon'"),
        (PlainConfig, {"views": ["clean", "words"]}, "views must name at most 1, not 2: leave some out"),
        (PlainConfig, {"views": ["adversarial"]}, "this method has no adversarial view"),
        (RDropConfig, {"views": ["clean", "words", "mask"]}, "views must name at most 2, not 3: leave some out"),
        (UEGRConfig, {"views": ["adversarial", "words", "mask"]}, "3 views for 2 passes: give passes=3"),
        (UEGRConfig, {"views": ["wrods"]}, "unknown view 'wrods'"),
        (UEGRConfig, {"views": ["words:0.7"]}, r"above 0 and at most 0.5, as in characters:0.2, not 'words:0.7'"),
        (UEGRConfig, {"views": ["clean+words"]}, r"a clean view is not edited: leave clean out of 'clean\+words'"),
        (UEGRConfig, {"views": []}, "views must name at least one view"),
        (UEGRConfig, {"epsilon": "much"}, "epsilon must be a number, not 'much'"),
        (UEGRConfig, {"passes": 1.5}, "passes must be a whole number, not 1.5"),
        (UEGRConfig, {"passes": True}, "passes must be a whole number, not True"),
        (UEGRConfig, {"reuse": 1}, "reuse must be True or False, not 1"),
        (UEGRConfig, {"dropout": 0.1}, "dropout must be a list of numbers"),
        (UEGRConfig, {"norm": "l7"}, "unknown norm 'l7'"),
        (UEGRConfig, {"mask_mode": "frozn"}, "did you mean 'frozen'"),
        (SMARTConfig, {"epsilon": 0.0}, "epsilon must be above 0, not 0"),
        (UEGRConfig, {"p_min": 1.5}, "p_min must be above 0 and at most 1, not 1.5"),
    ],
)
def test_unknown_options_and_impossible_values_are_refused(
    config_class: type[MethodConfig], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        config_class.from_options(options)


def test_a_whole_number_is_taken_where_a_number_is_wanted() -> None:
    assert UEGRConfig(epsilon=1).epsilon == 1


def test_numbers_of_numpy_become_pythons_own() -> None:
    config = UEGRConfig(passes=np.int64(3), epsilon=np.float64(0.5), dropout=(0.1, 0.2, 0.3))
    assert json.loads(json.dumps(config.to_dict()))["passes"] == 3 and type(config.epsilon) is float
    assert config == UEGRConfig(passes=3, epsilon=0.5, dropout=(0.1, 0.2, 0.3))


@pytest.mark.parametrize("name", [*METHODS, "pgd+roast"])
def test_the_base_reads_the_configuration_of_every_method(name: str, tmp_path: Path) -> None:
    config = changed(make_config(name))
    config.save_pretrained(tmp_path)
    assert MethodConfig.from_pretrained(tmp_path) == config
    assert type(MethodConfig.from_dict(config.to_dict())) is type(config)


@pytest.mark.parametrize("values", [None, [1], "uegr"])
def test_what_is_no_mapping_is_refused(values: Any) -> None:
    with pytest.raises(UsageError, match="is a mapping"):
        UEGRConfig.from_dict(values)
    with pytest.raises(UsageError, match=r"given by its name, such as 'uegr', not an object of NoneType"):
        MethodConfig.from_dict({"epsilon": 0.1})


def test_a_class_that_is_not_registered_is_no_method() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Own(MethodConfig): ...

    for config_class in (MethodConfig, Own):
        with pytest.raises(UsageError, match=rf"{config_class.__name__} is not a method: write @register"):
            config_class()


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="give the folder of a run"):
        UEGRConfig.from_pretrained(tmp_path / "file")
