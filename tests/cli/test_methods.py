"""`uegr methods`."""

from __future__ import annotations

import pytest

from support.command_line import error_of, run
from uegr import METHODS
from uegr.methods.registry import described, options_of


def test_methods_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["methods"]) == 0
    assert "2503.16550" in capsys.readouterr().out
    assert run(["methods", "uegr"]) == 0
    shown = capsys.readouterr().out
    assert "--epsilon" in shown and "[ours]" in shown
    assert "choose one of" in error_of(capsys, ["methods", "sgd"])


@pytest.mark.parametrize("name", METHODS)
def test_every_option_has_a_description(name: str) -> None:
    for stage in (METHODS[name].forward, METHODS[name].backward):
        texts = described(stage)
        for option in options_of(stage):
            assert texts.get(option) and not texts[option].startswith("see `"), option
