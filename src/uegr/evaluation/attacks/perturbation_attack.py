"""Attacks by the perturbations that people meet: at random, the worst of several attempts, or greedy."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from uegr.errors import UsageError, unknown
from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.greedy_search import GreedyAttack
from uegr.evaluation.attacks.text_search import OnChange, Search, first_that_fools
from uegr.perturb.perturbation import WordPerturbation
from uegr.perturb.perturbation_registry import PERTURBATIONS, find_perturbation

SearchBy = Literal["random", "worst", "greedy"]
UNUSED = {
    "random": ("tries", "max_share", "similarity"),
    "worst": ("max_share", "similarity"),
    "greedy": ("tries", "rate"),
}
"""Search -> the options that have no effect with it."""


@dataclass(frozen=True)
class PerturbationAttack(GreedyAttack):
    """One perturbation as an attack.

    Args, besides those of every greedy attack, which only "greedy" takes:
        search_by: "random", one attempt; "worst", the worst of `tries`; "greedy", word by word in the order in which
            the words matter, for perturbations of single words.
        rate: probability of a change per word or place, of the random attempts.
        tries: number of attempts.
    """

    search_by: SearchBy = "worst"
    rate: float = 0.3
    tries: int = 5

    def __post_init__(self) -> None:
        if self.search_by not in get_args(SearchBy):
            raise unknown("search", self.search_by, get_args(SearchBy))
        super().__post_init__()
        if not 0.0 < self.rate <= 1.0 or self.tries < 1:
            raise UsageError(f"an attack needs a rate in (0, 1] and at least one try, not {self.rate}, {self.tries}.")
        perturbation = find_perturbation(self.name)
        if self.search_by == "greedy" and not isinstance(perturbation, WordPerturbation):
            raise UsageError(f"{self.name} does not change single words: take search_by=worst instead of greedy.")

    @classmethod
    def without_effect(cls, options: Mapping[str, Any]) -> dict[str, str]:
        search_by = options.get("search_by", cls.search_by)
        return dict.fromkeys(UNUSED.get(str(search_by), ()), f"search_by={search_by}")

    @property
    def goes_by_words(self) -> bool:
        return self.search_by == "greedy"

    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        perturbation = find_perturbation(self.name)
        assert isinstance(perturbation, WordPerturbation)
        return perturbation.candidates(word, generator)

    def search(
        self,
        texts: Texts,
        label: int,
        generator: random.Random,
        on_change: OnChange = lambda texts: None,
        clean: float | None = None,
    ) -> Search:
        if self.search_by == "greedy":
            return (yield from super().search(texts, label, generator, on_change, clean))
        *fixed, text = texts
        perturb, tries = find_perturbation(self.name), self.tries if self.search_by == "worst" else 1
        attempts = [(*fixed, perturb(text, self.rate, generator)) for _ in range(tries)]
        if all(attempt == texts for attempt in attempts) and not perturb.can_change(text, generator):
            return None
        chosen = yield from first_that_fools(attempts, label)
        if chosen is not None:
            on_change(chosen)
        return chosen


def _attack_by(perturbation: str) -> type[PerturbationAttack]:
    """The attack class of a perturbation, which has its name."""
    content: dict[str, Any] = {"name": perturbation, "__doc__": PerturbationAttack.__doc__}
    class_name = f"{type(PERTURBATIONS[perturbation]).__name__}Attack"
    return dataclass(frozen=True)(type(class_name, (PerturbationAttack,), content))


PERTURBATION_ATTACKS: dict[str, type[PerturbationAttack]] = {name: _attack_by(name) for name in PERTURBATIONS}
