"""How a view is written, and which attacks make its edits."""

from __future__ import annotations

import pytest

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_registry import TEXT_ATTACKS
from uegr.perturb.views import Edit, View, parse_view, trained_attacks


def test_a_view_is_written_as_its_parts() -> None:
    assert parse_view("clean") == View()
    edits = (Edit("characters", 0.3), Edit("reworded", 0.15))
    assert parse_view("adversarial+characters:0.3 + words") == View(edits, True)
    with pytest.raises(UsageError, match=r"unknown view 'charcters' \(did you mean 'characters'\?\)"):
        parse_view("charcters")
    with pytest.raises(UsageError, match="the view adversarial has no rate"):
        parse_view("adversarial:0.1")
    with pytest.raises(UsageError, match="has characters and characters, which are the same: name it once"):
        parse_view("characters:0.1+characters:0.2")


def test_an_edit_with_two_names_is_one_edit() -> None:
    assert parse_view("words:0.3") == parse_view("reworded:0.3")
    assert parse_view("words") == parse_view("reworded")
    with pytest.raises(UsageError, match="which are the same: name it once"):
        parse_view("words+reworded")


@pytest.mark.parametrize(
    ("views", "attacks"),
    [
        (["clean", "adversarial"], set()),
        (["ocr:0.1"], {"ocr"}),
        (["mask"], {"deletion"}),
        (["words"], {"reworded", "synonyms", "textfooler-published", "textattack:TextFoolerJin2019"}),
        (["reworded:0.1"], {"reworded", "synonyms", "textfooler-published", "textattack:TextFoolerJin2019"}),
    ],
)
def test_an_attack_with_the_edits_of_a_view_is_one_that_was_trained_on(views: list[str], attacks: set[str]) -> None:
    assert trained_attacks(views) == attacks


def test_every_search_for_misspellings_has_the_edits_of_the_view_of_characters() -> None:
    trained = trained_attacks(["clean", "adversarial+characters:0.1"])
    assert {name for name in TEXT_ATTACKS if "deepwordbug" in name} < trained
    assert {"typos", "slips", "textattack:DeepWordBugGao2018", "textattack:Pruthi2019"} < trained
    assert "misspellings" in trained, "people's misspellings are at most two such edits away from the word"
    assert "deepwordbug" in trained_attacks(["misspellings"])
    assert not trained & {"ocr", "deletion", "synonyms"}
