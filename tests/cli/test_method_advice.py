"""What `uegr methods` says about which method to take; that it is what the results give is checked by test_rebuild."""

from __future__ import annotations

from uegr import METHODS
from uegr.cli.method_advice import PURPOSES, advice_text


def test_every_purpose_has_methods_that_exist() -> None:
    lines = advice_text().splitlines()
    purposes = [line.removeprefix("- ").partition(": ") for line in lines if line.startswith("- ")]
    assert {name for name, _, _ in purposes} == {*PURPOSES.values()}
    of_regression = lines[-1].partition(": ")
    for _, _, methods in [*purposes, of_regression]:
        for method in methods.replace("(", "").replace(")", "").replace(",", "").split():
            assert method in METHODS
