"""Typing errors at random: not aimed at the model, but the worst of a few spoilings counts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from uegr.errors import UsageError
from uegr.evaluation.attacks.text_attack import Request, Search, TextAttack, Texts
from uegr.perturb.misspellings import with_typos


@dataclass(frozen=True)
class TypingErrors(TextAttack):
    """Args, beside the seed:
    rate: probability of an error in a word of three letters or more.
    tries: so many spoilings of each text are tried.
    """

    rate: float = 0.3
    tries: int = 5

    name: ClassVar[str] = "typos"

    def __post_init__(self) -> None:
        if not 0.0 < self.rate <= 1.0 or self.tries < 1:
            raise UsageError(
                f"typing errors need a rate in (0, 1] and at least one try, not {self.rate}, {self.tries}."
            )

    def search(self, texts: Texts, label: int, generator: random.Random) -> Search:
        *others, text = texts
        tried = [(*others, with_typos(text, self.rate, generator)) for _ in range(self.tries)]
        scores = yield Request(tried)
        fooling = scores.probabilities.argmax(axis=1) != label
        return tried[int(fooling.argmax())] if fooling.any() else None
