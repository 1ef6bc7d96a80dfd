"""Tricks with characters are undone, other languages and codes stay, and the steps travel with the tokenizer."""

import random
from pathlib import Path
from typing import Any

import pytest
import regex
from transformers import AutoTokenizer, MBartTokenizer, PreTrainedTokenizerBase

from conftest import tokenizer
from uegr.errors import UsageError
from uegr.modeling.embedded_model import EMBEDDED_MODEL, locate_model
from uegr.perturb.perturbation_registry import find_perturbation
from uegr.perturb.text_normalizer import STEPS, with_normalizer


def normalized(text: str, *steps: str) -> str:
    backend: Any = with_normalizer(tokenizer(), steps or tuple(STEPS))
    result: str = backend.backend_tokenizer.normalizer.normalize_str(text)
    return result


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        ("nfkc", "ｆｒｅｅ ﬁne 𝐛𝐨𝐥𝐝", "free fine bold"),
        ("invisible", "fr\u200bee\u2060 ca\u00adsh\ufeff \u202efree", "free cash free"),
        ("invisible", "fr\u200cee", "free"),
        ("confusables", "раypal саsh frее", "paypal cash free"),
        ("confusables", "pаураl", "paypal"),
        ("spaced", "f r e e cash", "free cash"),
        ("spaced", "f.r.e.e and c-a-s-h and n_o_w", "free and cash and now"),
        ("leet", "fr3e c4sh pr1ze v1agra w0n", "free cash prize viagra won"),
        ("leet", "c@sh ca$h", "cash cash"),
        ("leet", "b00k ch33se pa$$word cl!ck FR3E", "book cheese password click FREE"),
        ("nfkc", "🅵🆁🅴🅴 ⓒⓐⓢⓗ free\u3164cash", "FREE cash free cash"),
        ("invisible", "fr\u034fee \U000e0041fr\ufe0fee\U000e0041 \bca\u2062sh\u061c", "free free cash"),
        ("invisible", "f\u0336r\u0336e\u0336e\u0336 c\u0301\u0302\u0303\u0304ash", "free cash"),
        ("confusables", "ғʀᴇᴇ ᴄᴀꜱʜ саѕh ꓚash Ꮯash", "free cash cash Cash Cash"),
        ("confusables", "бitсоin", "бitcoin"),
        ("spaced", "f|r|e|e F R E E  M O N E Y f·r·e·e", "free FREE  MONEY free"),
        ("spaced", "f  r  e  e cash, к у п и", "free cash, купи"),
    ],
)
def test_a_trick_is_undone_by_its_step(step: str, text: str, expected: str) -> None:
    assert normalized(text, step) == expected


@pytest.mark.parametrize(
    "text",
    [
        "это хороший фильм",
        "αυτή είναι μια καλή ταινία",
        "می\u200cخواهم کتاب",
        "क्\u200dष",
        "👨\u200d👩\u200d👧 family",
        "plan b or c",
        "I am a b",
        "4K TV, mp3 and 100 % of 50",
        "on 3/4 at 5",
        "x = y - z",
        "он купил iPhoneом smsку",
        "ısıtıcı",
        "il y a à boire",
        "לקנות הiPhone",
        "❤\ufe0f 1\ufe0f\u20e3 \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "ẹ̀kọ́ Tiếng Việt",
        "me@example.co.uk https://b.co/ab0cd www.ab0cd.org",
        "great!thanks for the mp3s, A1B2C3, B0C5X7, a11y, i18n and k8s",
        "J. R. R. Tolkien",
        "info@w3schools.com j0hn.d0e@mail.com g00gle.com/a1b bit.ly/x0x1a",
        "I don't!Please",
        "나 좀 더 잘 할 수 있어",
        "#\ufe0f\u20e3 *\ufe0f\u20e3",
    ],
)
def test_other_languages_and_ordinary_texts_stay(text: str) -> None:
    assert normalized(text) == text


@pytest.mark.parametrize("name", ["invisible", "homoglyphs"])
def test_a_perturbation_is_undone(name: str) -> None:
    """In every word that has a Latin letter left; a word of look-alikes only may be one of its own language."""
    text = "you have now been chosen, call this number for the free prize of today"
    for seed in range(10):
        changed = find_perturbation(name)(text, 0.4, random.Random(seed))
        words = zip(changed.split(), normalized(changed).split(), text.split(), strict=True)
        assert all(after == word for before, after, word in words if regex.search(r"\p{Latin}", before))


def embedded() -> PreTrainedTokenizerBase:
    try:
        loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(locate_model(EMBEDDED_MODEL))
    except UsageError as error:
        pytest.skip(str(error))
    return loaded


def test_it_travels_in_the_tokenizers_own_file(tmp_path: Path) -> None:
    own = embedded()
    changed = with_normalizer(own, ["confusables", "spaced"])
    changed.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.tokenize("f r e e саsh") == own.tokenize("free cash") != own.tokenize("f r e e саsh")
    pair = ["a good film", "A bad one!"]
    assert dict(loaded(pair, pair)) == dict(own(pair, pair))
    assert loaded.pad_token_id == own.pad_token_id and loaded.model_max_length == own.model_max_length


def test_no_step_changes_nothing_and_an_unknown_one_is_refused() -> None:
    own = tokenizer()
    assert with_normalizer(own, ()) is own
    with pytest.raises(UsageError, match=r"unknown normalizing step 'leetspeak' \(did you mean 'leet'"):
        with_normalizer(own, ["leetspeak"])
    with pytest.raises(UsageError, match="spaced joins words of one letter, .*: leave spaced out"):
        with_normalizer(own, ["leet", "spaced"], label_per_word=True)


@pytest.mark.parametrize("unit", ["о", "aо", "a ", "a.", "www.a0b", "a@b", "ab0", "a\u0301\u0302\u0303"])
def test_a_hostile_text_is_read_in_a_time_that_grows_with_its_length_only(unit: str) -> None:
    """With time that grows with the square of the length, this test would take minutes."""
    assert normalized(unit * 40_000)


def test_the_tokenizer_keeps_the_side_on_which_it_cuts() -> None:
    own = tokenizer()
    own.truncation_side = "left"
    assert with_normalizer(own, ["leet"]).truncation_side == "left"


def test_special_tokens_of_ones_own_and_the_chat_template_are_kept(tmp_path: Path) -> None:
    own: Any = tokenizer()
    own.add_special_tokens({"additional_special_tokens": ["ENTSTART"]})
    own.chat_template = "{{ messages[0]['content'] }}"
    with_normalizer(own, ["leet"]).save_pretrained(tmp_path)
    for changed in (with_normalizer(own, ["leet"]), AutoTokenizer.from_pretrained(tmp_path)):
        assert sorted(changed.all_special_ids) == sorted(own.all_special_ids)
        assert changed.chat_template == own.chat_template
        assert changed("the ENTSTART film")["input_ids"] == own("the ENTSTART film")["input_ids"]


def test_a_tokenizer_with_languages_is_refused() -> None:
    with pytest.raises(UsageError, match="MBartTokenizer adds a code of the language"):
        with_normalizer(MBartTokenizer(), ["leet"])
