"""Typing errors at random: they are not aimed at the model, but the worst of a few attempts counts."""

import random
from dataclasses import dataclass
from typing import ClassVar

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.text_attack import Search, TextAttack, first_that_fools
from uegr.perturb.misspellings import with_typos


@dataclass(frozen=True)
class TypingErrors(TextAttack):
    """Random typing errors.

    Args, in addition to the seed:
        rate: probability of an error in a word of three letters or more.
        tries: number of attempts per text.
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
        *fixed, text = texts
        if with_typos(text, 1.0, random.Random(0)) == text:  # no word of it can be changed
            return None
        attempts = [(*fixed, with_typos(text, self.rate, generator)) for _ in range(self.tries)]
        return (yield from first_that_fools(attempts, label))
