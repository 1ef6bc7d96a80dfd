"""The summary of a text attack's outcomes."""

from __future__ import annotations

from base64 import b64decode

import numpy as np
import pytest

from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.evaluation.attacks.attack_summary import _share_changed, summary


def test_the_summary_counts_what_the_outcomes_say() -> None:
    def outcome(right: bool, after: tuple[str] | None) -> AttackOutcome:
        return AttackOutcome(("a fine film",), 1, right, after, 0, 10)

    result = summary(
        [outcome(True, None), outcome(True, ("a dull film",)), outcome(False, None), outcome(True, None)],
        ["bad", "good"],
    )
    assert (result["clean_accuracy"], result["accuracy"]) == (0.75, 0.5)
    assert result["success_rate"] == pytest.approx(1 / 3)
    assert result["words_changed"] == pytest.approx(1 / 3)
    assert result["similarity"] is None
    assert result["unspaced"] == 0
    assert result["samples"] == [{"label": "good", "before": "a fine film", "after": "a dull film", "predicted": "bad"}]
    bits = np.unpackbits(np.frombuffer(b64decode(result["outcomes"]), dtype=np.uint8), count=4)
    assert bits.tolist() == [1, 0, 0, 1]


def test_the_share_of_changed_words_of_a_very_long_text_is_computed_at_once() -> None:
    text = "the good film the bad plot " * 2000
    assert _share_changed(text, text.replace("plot", "polt", 1200)) == pytest.approx(1200 / 12_000)
    assert _share_changed("我喜欢", "") == 1.0
    assert _share_changed("!", "?") == 0.0


def test_both_texts_are_cut_in_the_same_way() -> None:
    before = "Don't miss it: the 电影 is well-known, U.S.-made and it's great."
    assert _share_changed(before, before.replace("电影 ", "")) == pytest.approx(1 / 16)


def test_words_that_are_put_in_are_changes_where_none_is_missing() -> None:
    """Under `harmless`, which only puts words in, 0 % of the words were changed."""
    assert _share_changed("call me now please", "Hello, call me now please Thanks!") == pytest.approx(2 / 4)
    assert _share_changed("call now", "Hello, call now Thanks in advance. Have a nice day.") == 1.0


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        ("win a free prize now", "win!! a free 🎁 prize... now -", 2 / 5),
        ("a free, fine film", "a , fine film", 1 / 4),
        ("a free prize", "a 🎁 free 🎁 prize 🎁", 1.0),
        ("a free prize", "a f r e e prize", 1 / 3),
        ("a free , fine film", "a , fine film", 1 / 4),
        ("a film, fine", "a f!lm, fine", 1 / 3),
        ("1 fine film", "2 fine film", 1 / 3),
        ("我喜欢这部电影，很好。", "我喜欢这部电影，很好！！", 1 / 2),
        ("我喜欢这部电影，很好。", "，很好。", 1 / 2),
        ("หนังดี มาก", "หนังดี! มาก", 1 / 2),
    ],
)
def test_signs_at_a_word_change_it(before: str, after: str, share: float) -> None:
    """Only letters were compared: a text whose words all had got signs had no changed word."""
    assert _share_changed(before, after) == pytest.approx(share)
    assert _share_changed(before, before) == 0.0
