from __future__ import annotations

import json
from pathlib import Path

import pytest

from uegr.errors import UsageError
from uegr.perturb.synonyms import load_synonyms
from uegr.perturb.wordnet import WordNet, load_wordnet


@pytest.fixture(scope="module")
def wordnet() -> WordNet:
    return load_wordnet()


def test_forms_are_parts_of_speech_and_inflections(wordnet: WordNet) -> None:
    assert wordnet.forms("Films") == {("noun", "s"), ("verb", "s")}
    assert ("verb", "ed") in wordnet.forms("ran")
    assert ("noun", "s") in wordnet.forms("mice")
    assert ("noun", "s") not in wordnet.forms("glass")
    assert wordnet.forms("qwertz") == frozenset()


def test_wordnet_needs_no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    synonyms = load_synonyms()
    assert synonyms.source == "wordnet"
    assert "movie" in synonyms("film")
    assert "Pictures" in synonyms("Films")
    assert "film" not in synonyms("film")
    with pytest.raises(UsageError, match="point UEGR_DATA"):
        load_synonyms("counterfitted")


def test_a_synonym_can_stand_in_the_words_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"film": ["movie", "movies", "cinematic", "the big screen", "zzz"], "with": ["alongside"]}
    (tmp_path / "lexical").mkdir()
    (tmp_path / "lexical" / "counterfitted_neighbors.json").write_text(json.dumps(table))
    (tmp_path / "lexical" / "ppdb_synonyms.txt").write_text("film movie\nmovie film\n")
    monkeypatch.setenv("UEGR_DATA", str(tmp_path))
    synonyms = load_synonyms()
    assert synonyms.source == "counterfitted"
    assert synonyms("FILM") == ("MOVIE",)  # not the plural, the adjective, the phrase or the unknown word
    assert synonyms("with") == ()  # a function word
    assert load_synonyms("ppdb")("movie") == ("film",)


def test_an_unknown_table_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="did you mean 'ppdb'"):
        load_synonyms("ppbd")  # type: ignore[arg-type]
