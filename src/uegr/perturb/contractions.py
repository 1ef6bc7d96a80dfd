"""Contractions written out, and the other way round: "do not" and "don't"."""

import random
from typing import Any, ClassVar

import regex

from uegr.perturb.perturbation import Perturbation
from uegr.perturb.words import match_case

_NEGATIONS = "do does did is are was were has have had would could should must need"
_PAIRS = {f"{verb} not": f"{verb}n't" for verb in _NEGATIONS.split()}
_PAIRS |= {"will not": "won't", "cannot": "can't", "can not": "can't", "shall not": "shan't", "let us": "let's"}
_PAIRS |= {f"{person} {verb}": f"{person}'{ending}" for person, verb, ending in (
    ("i", "am", "m"), ("you", "are", "re"), ("we", "are", "re"), ("they", "are", "re"), ("i", "have", "ve"),
    ("you", "have", "ve"), ("we", "have", "ve"), ("they", "have", "ve"), ("i", "will", "ll"), ("you", "will", "ll"),
    ("it", "will", "ll"), ("it", "is", "s"), ("that", "is", "s"), ("there", "is", "s"), ("what", "is", "s"),
    ("he", "is", "s"), ("she", "is", "s"),
)}  # fmt: skip
OTHER_FORM = {**{short: long for long, short in reversed(_PAIRS.items())}, **_PAIRS}
"""Each form and the other one, in lower case."""
_APOSTROPHE = regex.compile(r" ?(n?) ?['\u2019] ?")
"""Also as tokenizers and treebanks write it: "don ' t", "do n't"."""
_WRITTEN = (
    form.replace("n't", " ?n ?'t").replace("'", r" ?['\u2019] ?") for form in sorted(OTHER_FORM, key=len, reverse=True)
)
_FORMS = regex.compile(rf"(?i)\b({'|'.join(_WRITTEN)})\b(?! ?n ?['\u2019] ?t\b)")
"""In "it is n't" the form is "is n't"."""


class Contractions(Perturbation):
    """English contractions."""

    name: ClassVar[str] = "contractions"

    def __call__(self, text: str, rate: float, generator: random.Random) -> str:
        def replacement(match: Any) -> str:
            form: str = match.group()
            if generator.random() >= rate:
                return form
            other = OTHER_FORM.get(_APOSTROPHE.sub(r"\1'", form.lower()))  # none for "\u0130t is", whose i is Turkish
            return form if other is None else match_case(other, form)

        changed: str = _FORMS.sub(replacement, text)
        return changed
