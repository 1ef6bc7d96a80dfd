"""Synonyms of the words that matter, after TextFooler (Jin et al. 2020, arXiv 1907.11932)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from uegr.errors import UsageError
from uegr.evaluation.attacks.greedy_search import GreedyAttack
from uegr.perturb.synonyms import Source, Synonyms, load_synonyms


@dataclass(frozen=True)
class SynonymSwap(GreedyAttack):
    """Replaces words by synonyms.

    Args, in addition to those of every greedy attack:
        synonyms: the table; None takes the best one on this machine. See `uegr.perturb.synonyms`, which keeps the part
            of speech.
        most: number of synonyms of a word that are tried at most, the best first.
    """

    similarity: float = 0.8
    synonyms: Source | None = None
    most: int = 8

    name: ClassVar[str] = "synonyms"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.most < 1:
            raise UsageError(f"most must be at least 1, not {self.most}: the number of synonyms of a word.")

    def prepare(self) -> None:
        _ = self._table

    def options(self) -> dict[str, Any]:
        return {**super().options(), "synonyms": self._table.source}

    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        return self._table(word)[: self.most]

    @cached_property
    def _table(self) -> Synonyms:
        return load_synonyms(self.synonyms)
