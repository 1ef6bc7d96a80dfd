"""The results of attacks that are called on a batch or on texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Texts = tuple[str, ...]
"""The text columns of one example. An attack rewrites the last one: the sentence, or the second of a pair."""
COLUMN_MARK = " ¶ "
"""Stands between the text columns of an example that is written as one text."""
RobustMask = NDArray[np.bool_]
"""Whether an example is correctly classified under every attack up to an epsilon, shape (epsilons, N)."""


@dataclass(frozen=True)
class EmbeddingAttackResult:
    """The result of an attack on the embeddings of N examples.

    Args:
        attack: name of the attack.
        epsilons: E radii, in ascending order.
        robust_mask: whether each example is correctly classified at each epsilon and at all smaller ones, shape (E, N).
        queries: passes of single examples through the model; a backward pass counts as one more.
    """

    attack: str
    epsilons: tuple[float, ...]
    robust_mask: RobustMask
    queries: int

    @property
    def accuracy(self) -> list[float]:
        """Share of the examples that are correctly classified at each epsilon, in [0, 1]."""
        accuracies: list[float] = self.robust_mask.mean(axis=1).tolist()
        return accuracies

    def __repr__(self) -> str:
        points = ", ".join(f"{e:g}: {a:.1%}" for e, a in zip(self.epsilons, self.accuracy, strict=True))
        examples = self.robust_mask.shape[1]
        return f"{self.attack} on {examples} examples, {self.queries:,} queries; accuracy per epsilon {{{points}}}"


@dataclass(frozen=True)
class AttackOutcome:
    """What an attack on the text did to one example.

    Args:
        before: the texts of the example.
        label: its class.
        correct: whether the example is correctly classified before the attack.
        after: the texts that fool the model, or None.
        predicted: the class predicted for `after`, or for `before` where there is none.
        queries: texts that the model classified.
    """

    before: Texts
    label: int
    correct: bool
    after: Texts | None
    predicted: int
    queries: int

    @property
    def untouched(self) -> bool:
        """Whether the attack could not change the text, so that nothing was tried."""
        return self.correct and self.queries == 1

    @property
    def robust(self) -> bool:
        """Whether the example is correctly classified before and after the attack."""
        return self.correct and self.after is None


@dataclass(frozen=True)
class TextAttackResult:
    """The result of an attack on the text of N examples; an example that is classified wrong is not attacked.

    Args:
        attack: name of the attack.
        outcomes: of each example, in order.
    """

    attack: str
    outcomes: Sequence[AttackOutcome]

    @property
    def robust_mask(self) -> NDArray[np.bool_]:
        """Whether each example is correctly classified before and after the attack, shape (N,)."""
        return np.array([outcome.robust for outcome in self.outcomes], dtype=bool)

    @property
    def clean_accuracy(self) -> float:
        """Accuracy before the attack, in [0, 1]."""
        return float(np.mean([outcome.correct for outcome in self.outcomes]))

    @property
    def accuracy(self) -> float:
        """Accuracy under the attack, in [0, 1]."""
        return float(self.robust_mask.mean())

    @property
    def success_rate(self) -> float | None:
        """Share of the attacked examples that fool the model; None where none is correctly classified before."""
        correct = sum(outcome.correct for outcome in self.outcomes)
        return float(1.0 - self.robust_mask.sum() / correct) if correct else None

    @property
    def queries(self) -> float:
        """Mean number of texts per example that the model classified."""
        return float(np.mean([outcome.queries for outcome in self.outcomes]))

    @property
    def texts(self) -> list[str | None]:
        """The rewritten text of each example that fools the model, None for the others."""
        return [outcome.after[-1] if outcome.after else None for outcome in self.outcomes]

    def __repr__(self) -> str:
        untouched = sum(outcome.untouched for outcome in self.outcomes)
        note = f"; it could change nothing in {untouched} texts, which count as right" if untouched else ""
        return (
            f"{self.attack} on {len(self.outcomes)} examples: accuracy {self.clean_accuracy:.1%} before, "
            f"{self.accuracy:.1%} after, {self.queries:.1f} queries per example{note}"
        )
