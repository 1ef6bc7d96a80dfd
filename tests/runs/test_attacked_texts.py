"""What `uegr attack` keeps of every text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.runs.attack import attack_run
from uegr.runs.attacked_texts import ATTACKED_TEXTS, read_attacked_texts, text_row
from uegr.runs.results_json import read_results_and_logs
from uegr.runs.run_folder import RESULTS


def test_every_attacked_text_is_kept_with_both_predictions(evaluated_run: Path) -> None:
    result = attack_run(evaluated_run, ["deletion", "typos"], examples=6)
    texts = read_attacked_texts(evaluated_run)
    assert list(texts) == ["deletion", "typos"]
    for attack in result.text_attacks:
        rows = texts[attack.key]
        assert len(rows) == attack.examples == 6
        assert sum(row["predicted_before"] == row["label"] for row in rows) == round(6 * (attack.clean_accuracy or 0))
        held = [row for row in rows if row["after"] is None and row["predicted"] == row["label"]]
        assert len(held) == round(6 * attack.accuracy)
    assert "texts" not in (evaluated_run / RESULTS).read_text()


def test_a_new_attack_replaces_its_own_texts_only(evaluated_run: Path) -> None:
    attack_run(evaluated_run, ["deletion", "typos"], examples=6)
    attack_run(evaluated_run, ["typos"], examples=4)
    (result,) = read_results_and_logs([evaluated_run])
    assert {attack.key: len(attack.texts) for attack in result.text_attacks} == {"deletion": 6, "typos": 4}
    (bare,) = read_results_and_logs([evaluated_run / RESULTS])
    assert all(attack.texts == [] for attack in bare.text_attacks)


def test_a_text_that_was_wrong_before_is_no_success() -> None:
    names = ["bad", "good"]
    wrong = text_row(AttackOutcome(("so-so",), 1, False, None, 0, 1), names)
    assert (wrong["label"], wrong["predicted_before"], wrong["predicted"]) == ("good", "bad", "bad")
    assert wrong["after"] is None
    fooled = text_row(AttackOutcome(("why?", "fine"), 1, True, ("why?", "fime"), 0, 9), names)
    assert (fooled["predicted_before"], fooled["predicted"], fooled["after"]) == ("good", "bad", "why? ¶ fime")
    untouched = [text_row(AttackOutcome(("fine",), 1, True, None, 1, count), names)["untouched"] for count in (1, 2)]
    assert untouched == [True, False]


def test_a_damaged_file_says_what_to_do(evaluated_run: Path) -> None:
    for content in ("{", json.dumps([1]), json.dumps({"typos": 1}), json.dumps({"typos": [{"label": "a"}]})):
        (evaluated_run / ATTACKED_TEXTS).write_text(content)
        with pytest.raises(UsageError, match=r"is damaged .* attack again with uegr attack"):
            read_results_and_logs([evaluated_run])
