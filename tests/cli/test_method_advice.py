"""What `uegr methods` says about which method to take; that it is what the results give is checked by test_rebuild."""

from __future__ import annotations

from uegr import METHODS
from uegr.cli.method_advice import PURPOSES, advice_text


def test_every_purpose_has_methods_that_exist() -> None:
    _, *lines = advice_text().splitlines()
    assert len(lines) == len(PURPOSES)
    for line, purpose in zip(lines, PURPOSES.values(), strict=True):
        name, _, methods = line.removeprefix("- ").partition(": ")
        assert name == purpose
        for method in methods.replace("(", "").replace(")", "").replace(",", "").split():
            assert method in METHODS
