"""Which classes of one task are which classes of another: declared here, or by the user, and never guessed.

Tasks of a family ask the same question with labels of different grain. A model's classes and a task's classes are
both mapped to what the two have in common: an NLI model with three classes is scored on HANS with two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uegr.errors import UsageError

NOT_ENTAILED = {"neutral": "not_entailment", "contradiction": "not_entailment"}
FAMILIES: dict[str, dict[str, str | None]] = {
    "nli": {"entailment": "entailment", "not_entailment": "not_entailment", "entails": "entailment", **NOT_ENTAILED},
    "sentiment": {
        "very negative": "negative",
        "negative": "negative",
        "neutral": None,
        "positive": "positive",
        "very positive": "positive",
    },
    "paraphrase": {
        "not_equivalent": "different",
        "not_duplicate": "different",
        "equivalent": "same",
        "duplicate": "same",
    },
    "answer": {"entailment": "answer", "not_entailment": "no_answer", "answer": "answer", "no_answer": "no_answer"},
}
"""Family -> class -> its coarser class; None is in neither: the model may not choose it, and a task's examples of it
are left out."""


@dataclass(frozen=True)
class LabelMap:
    """From a model's classes and a task's classes to the classes in which they are compared.

    Args:
        names: the common classes.
        source: of each class of the model, the common class, or None.
        target: of each class of the task, the common class, or None.
    """

    names: tuple[str, ...]
    source: tuple[int | None, ...]
    target: tuple[int | None, ...]

    def probabilities(self, given: NDArray[np.float64]) -> NDArray[np.float64]:
        """The model's probabilities (N, C) as probabilities of the common classes; what has none is left out and
        the rest sums to one again."""
        common = np.zeros((len(given), len(self.names)))
        for column, at in enumerate(self.source):
            if at is not None:
                common[:, at] += given[:, column]
        total = common.sum(axis=1, keepdims=True)
        return np.where(total > 0, common / np.maximum(total, 1e-300), 1 / len(self.names))

    def labels(self, given: NDArray[np.int64]) -> NDArray[np.int64]:
        """The task's labels (N,) as common classes; -1 for those that are left out."""
        table = np.array([-1 if at is None else at for at in self.target])
        return np.asarray(table[given], dtype=np.int64)

    def as_json(self, source: Sequence[str], target: Sequence[str]) -> dict[str, dict[str, str | None]]:
        """The map in words, for results.json."""
        return {
            side: {name: None if at is None else self.names[at] for name, at in zip(names, ats, strict=True)}
            for side, names, ats in (("model", source, self.source), ("task", target, self.target))
        }


def label_map(
    source: Sequence[str],
    target: Sequence[str],
    families: tuple[str | None, str | None],
    declared: Mapping[str, str] | None = None,
) -> LabelMap:
    """How a model's classes are scored on a task.

    Args:
        source, target: the model's and the task's label names, in order.
        families: theirs, as the registry has them.
        declared: the user's own map from the model's names to the task's; it comes first.

    Raises:
        UsageError: nothing says how the classes belong together, or the user's map names an unknown class.
    """
    if declared:
        for name, known, whose in (
            *((one, source, "the model") for one in declared),
            *((one, target, "the task") for one in declared.values()),
        ):
            if name not in known:
                raise UsageError(f"--label_map names '{name}', which {whose} does not have: {', '.join(known)}.")
        names = tuple(target)
        return LabelMap(
            names,
            tuple(names.index(declared[one]) if one in declared else None for one in source),
            tuple(range(len(names))),
        )
    if {*source} == {*target}:
        return LabelMap(tuple(target), tuple(list(target).index(one) for one in source), tuple(range(len(target))))
    coarse = FAMILIES.get(families[0] or "") if families[0] == families[1] else None
    if coarse is None or not {*source, *target} <= {*coarse}:
        raise UsageError(
            f"nothing says how the model's classes ({', '.join(source)}) belong to the task's ({', '.join(target)}): "
            "declare it with --label_map MODEL=TASK,... or leave the task out."
        )
    common = tuple(dict.fromkeys(coarser for one in target if (coarser := coarse[one]) is not None))

    def at(name: str) -> int | None:
        coarser = coarse[name]
        return common.index(coarser) if coarser in common else None

    return LabelMap(common, tuple(map(at, source)), tuple(map(at, target)))
