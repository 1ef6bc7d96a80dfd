"""Which attacks make the edits of a view."""

from __future__ import annotations

import pytest

from uegr.evaluation.attacks.attack_registry import TEXT_ATTACKS
from uegr.perturb.views import trained_attacks


@pytest.mark.parametrize(
    ("views", "attacks"),
    [
        (["clean", "adversarial"], set()),
        (["ocr:0.1"], {"ocr"}),
        (["mask"], {"deletion"}),
        (["words"], {"synonyms", "textfooler-published", "textattack:TextFoolerJin2019"}),
    ],
)
def test_an_attack_with_the_edits_of_a_view_is_one_that_was_trained_on(views: list[str], attacks: set[str]) -> None:
    assert trained_attacks(views) == attacks


def test_every_search_for_misspellings_has_the_edits_of_the_view_of_characters() -> None:
    trained = trained_attacks(["clean", "adversarial+characters:0.1"])
    assert {name for name in TEXT_ATTACKS if "deepwordbug" in name} < trained
    assert {"typos", "slips", "textattack:DeepWordBugGao2018", "textattack:Pruthi2019"} < trained
    assert not trained & {"misspellings", "ocr", "deletion", "synonyms"}
