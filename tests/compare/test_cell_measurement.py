from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uegr.compare.cell_measurement import Measurement
from uegr.compare.grid import make_grid
from uegr.errors import UsageError
from uegr.perturb.synonyms import FILES


def test_further_attacks_on_embeddings_use_the_norm_of_the_measurement() -> None:
    measurement = Measurement(attack_norm="linf", attacks={"auto-pgd": {"steps": 3}, "typos": None})
    auto_pgd, typos = measurement.further_attacks()
    assert (auto_pgd.name, typos.name) == ("auto-pgd", "typos")
    assert vars(auto_pgd)["norm"] == "linf" and vars(auto_pgd)["steps"] == 3


def test_the_table_of_synonyms_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measurement = Measurement(attacks={"synonyms": {}, "typos": {}})
    monkeypatch.delenv("UEGR_DATA", raising=False)
    assert measurement.attack_options()["synonyms"]["synonyms"] == "wordnet"
    (tmp_path / "lexical").mkdir()
    (tmp_path / "lexical" / FILES["counterfitted"]).write_text("{}")
    monkeypatch.setenv("UEGR_DATA", str(tmp_path))
    assert measurement.attack_options()["synonyms"]["synonyms"] == "counterfitted"
    ppdb = Measurement(attacks={"synonyms": {"synonyms": "ppdb"}})
    assert ppdb.attack_options()["synonyms"]["synonyms"] == "ppdb"


def test_a_group_of_attacks_gives_its_options_to_its_members() -> None:
    members = Measurement(attacks={"obfuscation": {"rate": 0.5}}).further_attacks()
    assert [member.name for member in members] == ["homoglyphs", "invisible", "spaced", "leetspeak", "signs"]
    assert {vars(member)["rate"] for member in members} == {0.5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"defaults": {"attack_norm": "l3"}}, "unknown attack_norm"),
        ({"defaults": {"split": "validaton"}}, "choose one of test, validation"),
        ({"defaults": {"epsilons": []}}, "epsilons must be a list"),
        ({"defaults": {"epsilons": [-1]}}, "none of them negative"),
        ({"defaults": {"attack_steps": 0}}, "at least one step"),
        ({"defaults": {"attack_examples": 0}}, "attack_examples must be at least 1"),
        ({"defaults": {"attacks": ["synonyms"]}}, "attacks must be a mapping"),
        ({"defaults": {"attacks": {"synonym": {}}}}, "did you mean 'synonyms'"),
        ({"defaults": {"attacks": {"auto-pgd": {"stepps": 5}}}}, "did you mean 'steps'"),
        ({"defaults": {"attacks": {"auto-pgd": 5}}}, "attack 'auto-pgd' must be a mapping"),
        ({"defaults": {"attacks": {"obfuscation": {}, "signs": {}}}}, "'signs' is named twice"),
        ({"defaults": {"attacks": {"typos": {}}}, "tasks": ["stsb"]}, "'stsb' has no classes: give it attacks: {}"),
        ({"defaults": {"attacks": {"auto-pgd": {}}, "calibrated": True}}, "calibrated has no effect without an attack"),
        ({"defaults": {"attacks": {"transfer": {}}}}, "no source to transfer from"),
        ({"defaults": {"transfer": ["imbd"]}}, "did you mean 'imdb'"),
        ({"defaults": {"transfer": ["hans"]}}, "nothing says how the model's classes"),
        (
            {"defaults": {"transfer": ["stsb"]}},
            "the run is for classification, and 'stsb' is for regression: leave 'stsb' out",
        ),
        ({"defaults": {"transfer": ["cr"], "split": "validation"}}, "leave it out where split is validation"),
        ({"defaults": {"typo_rate": 3.0}}, "typo_rate must be above 0 and at most 1"),
    ],
)
def test_invalid_measurements_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_grid({"methods": ["plain"], "tasks": ["rotten_tomatoes"], "seeds": 1, **change}, "g")
