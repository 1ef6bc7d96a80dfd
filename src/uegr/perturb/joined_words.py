"""Words run together: "callnow"."""

import random
from typing import Any, ClassVar

import regex

from uegr.perturb.perturbation import Perturbation

_SPACE = regex.compile(r"(?<=[\p{L}\p{M}\p{N}]) (?=[\p{L}\p{N}])")


class JoinedWords(Perturbation):
    """The space between two words is left out."""

    name: ClassVar[str] = "joined"

    def __call__(self, text: str, rate: float, generator: random.Random) -> str:
        def replacement(match: Any) -> str:
            return "" if generator.random() < rate else " "

        changed: str = _SPACE.sub(replacement, text)
        return changed
