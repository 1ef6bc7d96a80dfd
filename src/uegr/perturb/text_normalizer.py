"""Undo tricks with characters before a tokenizer reads a text, in the tokenizer's own file.

The steps become Hugging Face `normalizers` in front of the tokenizer's own, and are saved in tokenizer.json. Who loads
the model with `AutoTokenizer` has them, with nothing of uegr installed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tokenizers import Regex, Tokenizer, normalizers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from uegr.errors import UsageError, unknown
from uegr.perturb.homoglyphs import LOOK_ALIKES

MORE_LOOK_ALIKES = dict(zip("αορνικυγτΑΒΕΗΙΚΜΟΡΤΥΧԍԌɡıⅼոօհ", "aopvikuytABEHIKMOPTYXGGgilnoh", strict=True))
_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"}
_SEPARATOR = r"[ .\-_*]"
_ALONE = r"\p{L}(?!\p{L})"
_JOINS = r"(?<=[\p{Latin}\p{Cyrillic}\p{Greek}\p{Nd}])[\u200c\u200d](?=[\p{Latin}\p{Cyrillic}\p{Greek}\p{Nd}])"


def _nfkc() -> list[Any]:
    """Unicode's compatibility form: full-width letters, ligatures, styled letters."""
    return [normalizers.NFKC()]


def _invisible() -> list[Any]:
    """Zero-width characters, soft hyphens and direction overrides; joiners only where no script needs them."""
    hidden = "[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad\u180e]"
    return [normalizers.Replace(Regex(hidden), ""), normalizers.Replace(Regex(_JOINS), "")]


def _confusables() -> list[Any]:
    """Look-alikes of Latin letters, in words that also have a Latin letter: a Cyrillic text stays as it is."""
    pairs = {chr(look_alike): chr(letter) for letter, look_alike in LOOK_ALIKES.items()} | MORE_LOOK_ALIKES
    before = [
        normalizers.Replace(Regex(rf"{c}(?=[\p{{L}}\p{{M}}]*\p{{Latin}})"), letter) for c, letter in pairs.items()
    ]
    after = [normalizers.Replace(Regex(rf"(?<=\p{{Latin}}){c}"), letter) for c, letter in pairs.items()]
    return [*before, *after, *after]  # twice: a letter that was folded counts for the next one


def _spaced() -> list[Any]:
    """Three or more single letters with the same kind of separator between them."""
    first = rf"(?<=\A\p{{L}}|[^\p{{L}}]\p{{L}}){_SEPARATOR}(?=\p{{L}}{_SEPARATOR}{_ALONE})"
    pair = rf"\p{{L}}{_SEPARATOR}\p{{L}}"
    later = rf"(?<=\A{pair}|[^\p{{L}}]{pair}){_SEPARATOR}(?={_ALONE})"
    return [normalizers.Replace(Regex(f"{first}|{later}"), "")]


def _leet() -> list[Any]:
    """Digits and signs for letters, between two letters of a word."""
    between = r"(?<=\p{{Latin}})[{}](?=\p{{Latin}})"
    return [normalizers.Replace(Regex(between.format(sign)), letter) for sign, letter in _LEET.items()]


STEPS: dict[str, Callable[[], list[Any]]] = {
    "nfkc": _nfkc,
    "invisible": _invisible,
    "confusables": _confusables,
    "spaced": _spaced,
    "leet": _leet,
}
"""Name of a step -> its normalizers, in the order in which they are applied."""


def with_normalizer(tokenizer: PreTrainedTokenizerBase, steps: Sequence[str]) -> PreTrainedTokenizerBase:
    """The tokenizer with steps in front of its own normalizer, in the order of `STEPS`.

    It is of transformers' general class, which takes everything from tokenizer.json: a model's own class would make its
    normalizer again when it is loaded.

    Args:
        tokenizer: stays as it is.
        steps: names of steps; without any the tokenizer itself comes back.

    Raises:
        UsageError: an unknown step, or a tokenizer without a tokenizer.json.
    """
    for step in steps:
        if step not in STEPS:
            raise unknown("normalizing step", step, STEPS)
    if not steps:
        return tokenizer
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UsageError(
            f"{type(tokenizer).__name__} has no tokenizer.json, which would keep the normalizer: choose a model with "
            "one, or leave out --normalize."
        )
    changed = Tokenizer.from_str(backend.to_str())
    own = [] if changed.normalizer is None else [changed.normalizer]
    ours = [part for name, make in STEPS.items() if name in steps for part in make()]
    changed.normalizer = normalizers.Sequence([*ours, *own])
    return PreTrainedTokenizerFast(
        tokenizer_object=changed,
        model_max_length=tokenizer.model_max_length,
        padding_side=tokenizer.padding_side,
        model_input_names=tokenizer.model_input_names,
        **tokenizer.special_tokens_map,
    )
