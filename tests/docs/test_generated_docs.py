"""What `make cards` writes is up to date: the generated blocks of the method cards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from uegr import METHODS

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import build_cards  # noqa: E402


@pytest.mark.parametrize("name", METHODS)
def test_a_card_is_what_make_cards_writes(name: str) -> None:
    assert (DOCS / "methods" / f"{name}.md").read_text(encoding="utf-8") == build_cards.build_card(name)


def test_the_list_of_cards_is_what_make_cards_writes() -> None:
    assert (DOCS / "methods" / "README.md").read_text(encoding="utf-8") == build_cards.build_list()


def test_the_help_of_train_lists_the_options_of_the_registry() -> None:
    assert build_cards.HELP.read_text(encoding="utf-8") == build_cards.build_help()


@pytest.mark.parametrize("name", METHODS)
def test_a_card_has_the_sections_of_all_cards_in_order(name: str) -> None:
    lines = (DOCS / "methods" / f"{name}.md").read_text(encoding="utf-8").splitlines()
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    expected = ["How to use", "What it does", "Options", "Cost", "Caveats", "Source"]
    assert [heading for heading in headings if heading in expected] == expected
