"""Undo tricks with characters before a tokenizer reads a text, in the tokenizer's own file.

The steps become Hugging Face `normalizers` in front of the tokenizer's own and are saved in tokenizer.json, so that
`AutoTokenizer` applies them where uegr is not installed, too.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tokenizers import Regex, Tokenizer, normalizers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from uegr.errors import UsageError, unknown
from uegr.perturb.confusables import CONFUSABLES

# Sets of characters, for use inside [ ] of a regular expression.
_ALPHABETS = r"\p{Latin}\p{Cyrillic}\p{Greek}"
_JOINERS = r"\x{200c}\x{200d}"
_BLANKS = r"\x{115f}\x{1160}\x{3164}\x{ffa0}\x{2800}"
_SELECTORS = r"\x{fe00}-\x{fe0f}\x{e0100}-\x{e01ef}"
_TAGS = r"\x{e0020}-\x{e007f}"
_KEPT = rf"\p{{Khmer}}\p{{Mongolian}}{_JOINERS}{_BLANKS}{_SELECTORS}{_TAGS}"
_JOINED = (
    r"\p{Arabic}\p{Syriac}\p{Thaana}\p{Nko}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}"
    r"\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Khmer}\p{Myanmar}"
    r"\p{Extended_Pictographic}\x{1f3fb}-\x{1f3ff}\x{fe0f}"
)
_KEYCAP = r"\x{20e3}"
_OVERLAYS = r"\x{334}-\x{338}\x{20d2}\x{20d3}\x{20dd}-\x{20e0}\x{20e4}-\x{20e6}\x{20ea}\x{20eb}"
_SEPARATORS = (".", "-", "_", "*", "|", "~", "\u00b7", "\u2022", " ", "  ")
_WINDOW = 64
"""Characters of a word, on either side of a symbol, that a step looks at, so that its time is linear in the text."""
_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "$": "s"}
_DOUBLES = {"00": "oo", "33": "ee", "55": "ss", "$$": "ss"}


def _nfkc() -> list[Any]:
    """Unicode's compatibility form: full-width letters, ligatures, styled letters; and white letters on black."""
    letters = [_replaced(f"{chr(0x1F150 + i)}|{chr(0x1F170 + i)}", chr(ord("A") + i)) for i in range(26)]
    return [normalizers.NFKC(), _replaced(f"[{_BLANKS}]", " "), *letters]


def _invisible() -> list[Any]:
    """Characters that no reader sees, and marks drawn over letters.

    Unicode's ignorable characters, except where a script or an emoji needs them: joiners between letters of such
    scripts, selectors after an emoji or an ideograph, tags after the black flag. Control characters. Strokes and rings
    over letters, and three or more marks on one.
    """
    patterns = (
        rf"[\p{{Default_Ignorable_Code_Point}}&&[^{_KEPT}]]",
        r"[\p{Cc}&&[^\s]]",
        rf"(?<![{_JOINED}])[{_JOINERS}]+|[{_JOINERS}]+(?![{_JOINED}{_JOINERS}])",
        rf"(?<=\A|[{_ALPHABETS}\s{_SELECTORS}\p{{P}}])[{_SELECTORS}]+(?!{_KEYCAP})",
        rf"(?<![\x{{1f3f4}}{_TAGS}])[{_TAGS}]+",
        rf"(?<=[{_ALPHABETS}])(?:[{_OVERLAYS}]+|\p{{M}}{{3,}})",
    )
    return [_replaced(pattern, "") for pattern in patterns]


def _confusables() -> list[Any]:
    """Look-alikes of Latin letters, in words that also have a Latin letter: a Cyrillic text stays as it is.

    A look-alike between two Latin letters is folded, and any other where the word has only Latin letters and
    look-alikes: in the Russian "iPhone\u043e\u043c" the ending stays.
    """
    foldable = "".join(CONFUSABLES.values())
    word, other = rf"[\p{{L}}\p{{M}}]{{0,{_WINDOW}}}", rf"[\p{{L}}&&[^\p{{Latin}}{foldable}]]"
    after_latin, before_latin = rf"(?<=\p{{Latin}}{word})", rf"(?={word}\p{{Latin}})"
    no_other = rf"(?<!{other}{word})(?!{word}{other})"
    place = f"(?:{after_latin}{before_latin}|{no_other}(?:{after_latin}|{before_latin}))"
    # An alternation is searched twice as fast as a set.
    return [_replaced(f"(?:{'|'.join(look_alikes)}){place}", letter) for letter, look_alikes in CONFUSABLES.items()]


def _spaced() -> list[Any]:
    """Runs of single letters with the same separator between them: three letters or more.

    With spaces four letters or more, unless all are from A to Z (French has "y a \u00e0"), and of alphabets only:
    Korean and Chinese have words of one letter.
    """
    patterns = []
    for separator in _SEPARATORS:
        mark = re.escape(separator)
        letters, least = (rf"[{_ALPHABETS}\p{{Hebrew}}\p{{Arabic}}]", 4) if separator.isspace() else (r"\p{L}", 3)
        letter = rf"{letters}\p{{M}}{{0,3}}"
        runs = f"{_apart('[A-Za-z]', mark, 3)}|{_apart(letter, mark, least)}"
        patterns.append(rf"{mark}(?={letter}(?!\p{{L}}))(?:{runs})")
    return [_replaced(pattern, "") for pattern in patterns]


def _apart(letter: str, separator: str, least: int) -> str:
    """Pattern of a separator in a run of at least `least` single letters."""
    start, end = r"(?:\A|[^\p{L}\p{M}'\u2019])", r"(?![\p{L}\p{M}])"
    unit = f"(?:{letter}{separator})"
    places = (
        rf"(?<={start}{unit}{{{before}}})(?={unit}{{{least - 1 - before}}}{letter}{end})" for before in range(1, least)
    )
    return f"(?:{'|'.join(places)})"


def _leet() -> list[Any]:
    """Digits and symbols for letters within a word; addresses and product codes stay.

    A symbol becomes a letter if there are two letters on one side of it, or if it is the middle of a word of three
    lower-case letters. Before a plural s it stays ("mp3s"). The symbols @ and ! have other uses: @ stays before the
    name of a domain, and ! becomes a letter only after consonants ("cl!ck", not "great!thanks").
    """
    address = rf"(?<!(?:://|www\.)\S{{0,{_WINDOW}}})"
    top_level = r"\.(?:com|net|org|edu|gov|info|biz|app|dev|[a-z]{2})"
    # After the symbol: no name before "@" or before a top-level domain, and no path after one.
    no_address = (
        rf"(?![\w$.+-]{{0,{_WINDOW}}}(?:@[\w-]{{1,63}}\.\p{{L}}|{top_level}(?!\w)))"
        rf"(?<!{top_level}[/?#:]\S{{0,{_WINDOW}}})"
    )
    inside = (
        r"(?:(?<=\p{Latin}{2})(?=.\p{Latin})(?!.[sS](?!\w))"
        r"|(?<=\p{Latin})(?=.\p{Latin}{2})|(?<=(?:\A|[^\w])[a-z])(?=.[a-z](?!\w)))"
    )
    doubles = [
        _replaced(rf"{address}(?<=\p{{Latin}}){re.escape(symbols)}(?=\p{{Latin}}){no_address}", letters)
        for symbols, letters in _DOUBLES.items()
    ]
    singles = [
        _replaced(f"{address}{place}{re.escape(symbol)}{no_address}", letter if place is inside else letter.upper())
        for place in (rf"(?<=\p{{Lu}})(?=.\p{{Lu}}){inside}", inside)
        for symbol, letter in _LEET.items()
    ]
    no_domain = r"(?!@[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.\p{L}{2,})"
    after_consonants = r"(?<=(?:\A|[^\p{L}'\u2019])[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z]{1,3})"
    return [
        *doubles,
        *singles,
        _replaced(rf"{address}{inside}{no_domain}@", "a"),
        _replaced(rf"{address}{after_consonants}!(?=\p{{Latin}})", "i"),
    ]


def _replaced(pattern: str, by: str) -> Any:
    return normalizers.Replace(Regex(pattern), by)


STEPS: dict[str, Callable[[], list[Any]]] = {
    "nfkc": _nfkc,
    "invisible": _invisible,
    "confusables": _confusables,
    "spaced": _spaced,
    "leet": _leet,
}
"""Name of a step -> its normalizers, in the order in which they are applied."""


def with_normalizer(
    tokenizer: PreTrainedTokenizerBase, steps: Sequence[str], *, label_per_word: bool = False
) -> PreTrainedTokenizerBase:
    """The tokenizer with steps in front of its own normalizer, in the order of `STEPS`.

    The result has transformers' general class, which reads everything from tokenizer.json: a model's own class would
    build its own normalizer again on loading.

    Args:
        tokenizer: the tokenizer; it is not changed.
        steps: names of steps; without any, the tokenizer itself is returned.
        label_per_word: each word has a label, so none may be joined with another.

    Returns:
        A tokenizer with the steps, or the given one.

    Raises:
        UsageError: an unknown step, one that joins words with labels, or a tokenizer without a tokenizer.json or with
            languages.
    """
    for step in steps:
        if step not in STEPS:
            raise unknown("normalizing step", step, STEPS)
    if label_per_word and "spaced" in steps:
        raise UsageError(
            "--normalize spaced joins words of one letter, and with --kind token each word has a label: leave spaced "
            "out."
        )
    if not steps:
        return tokenizer
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UsageError(
            f"{type(tokenizer).__name__} has no tokenizer.json, which would keep the normalizer: choose a model with "
            "one, or leave out --normalize."
        )
    if hasattr(tokenizer, "src_lang"):
        raise UsageError(
            f"{type(tokenizer).__name__} adds a code of the language, which is lost with a changed tokenizer: "
            "choose a model of one language, or leave out --normalize."
        )
    changed = Tokenizer.from_str(backend.to_str())
    own = [] if changed.normalizer is None else [changed.normalizer]
    ours = [part for name, make in STEPS.items() if name in steps for part in make()]
    changed.normalizer = normalizers.Sequence([*ours, *own])
    return PreTrainedTokenizerFast(
        tokenizer_object=changed,
        model_max_length=tokenizer.model_max_length,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        model_input_names=tokenizer.model_input_names,
        extra_special_tokens=tokenizer.extra_special_tokens,
        chat_template=tokenizer.chat_template,
        **tokenizer.special_tokens_map,
    )
