"""Map the classes of a model to the classes of another task, as declared here or by the user; nothing is guessed.

The tasks of a family ask the same question with labels of different granularity. The classes of the model and of the
task are both mapped to common classes: an NLI model with three classes is scored on HANS with two.
"""

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
"""Family -> class -> its coarser class. A class mapped to None is left out on both sides: the model cannot choose
it, and examples of it are not scored."""


@dataclass(frozen=True)
class LabelMap:
    """Maps the classes of a model and the classes of a task to the common classes in which they are compared.

    Args:
        names: the common classes.
        source: for each class of the model, the index of its common class, or None.
        target: for each class of the task, the index of its common class, or None.
    """

    names: tuple[str, ...]
    source: tuple[int | None, ...]
    target: tuple[int | None, ...]

    def probabilities(self, model_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert the model's probabilities (N, C) to probabilities of the common classes, which sum to one."""
        common = np.zeros((len(model_probabilities), len(self.names)))
        for column, index in enumerate(self.source):
            if index is not None:
                common[:, index] += model_probabilities[:, column]
        total = common.sum(axis=1, keepdims=True)
        return np.where(total > 0, common / np.maximum(total, 1e-300), 1 / len(self.names))

    def labels(self, task_labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Convert the labels of the task (N,) to common classes; -1 for examples that are left out."""
        table = np.array([-1 if index is None else index for index in self.target])
        return np.asarray(table[task_labels], dtype=np.int64)

    def as_json(self, source: Sequence[str], target: Sequence[str]) -> dict[str, dict[str, str | None]]:
        """Return the map with the class names of the model (`source`) and the task (`target`), for results.json."""
        return {
            side: {
                name: None if index is None else self.names[index] for name, index in zip(names, indices, strict=True)
            }
            for side, names, indices in (("model", source, self.source), ("task", target, self.target))
        }


def label_map(
    source: Sequence[str],
    target: Sequence[str],
    families: tuple[str | None, str | None],
    declared: Mapping[str, str] | None = None,
    *,
    like_source: bool = False,
) -> LabelMap:
    """Return how the classes of a model are scored on a task.

    Args:
        source, target: label names of the model and of the task, in order.
        families: family of the model's task and of the task, from the registry.
        declared: the user's own map from label names of the model to those of the task; it has priority. A class that
            it does not name is left out, like one that is mapped to None above.
        like_source: order two common classes like those of the model that correspond to them, as the metrics of the
            model's task need it: F1 and the rankings are of the second. Otherwise the order is that of the task.

    Raises:
        UsageError: no map is declared here or by the user, or the user's map names a class that does not exist, or
            only one class of the task.
    """
    if declared:
        return _declared_map(source, target, declared, like_source)
    if {*source} == {*target}:
        return LabelMap(tuple(target), tuple(list(target).index(name) for name in source), tuple(range(len(target))))
    coarse = FAMILIES.get(families[0] or "") if families[0] == families[1] else None
    if coarse is None or not {*source, *target} <= {*coarse}:
        raise UsageError(
            f"nothing says how the model's classes ({', '.join(source)}) correspond to the task's "
            f"({', '.join(target)}): declare it with --label_map MODEL=TASK,... or leave the task out."
        )
    common = tuple(dict.fromkeys(coarser for name in target if (coarser := coarse[name]) is not None))
    index_of = {name: common.index(coarser) if coarser in common else None for name, coarser in coarse.items()}
    return LabelMap(common, tuple(index_of[name] for name in source), tuple(index_of[name] for name in target))


def _declared_map(
    source: Sequence[str], target: Sequence[str], declared: Mapping[str, str], like_source: bool
) -> LabelMap:
    for names, classes, owner in ((declared.keys(), source, "the model"), (declared.values(), target, "the task")):
        for name in names:
            if name not in classes:
                raise UsageError(
                    f"--label_map names '{name}', which {owner} does not have: choose one of {', '.join(classes)}."
                )
    common = tuple(name for name in target if name in declared.values())
    if len(common) == 1:
        raise UsageError(
            f"--label_map leads to '{common[0]}' only, and every text would be right: map classes of the model to two "
            "or more of the task, or write the model's classes into the label column and leave --label_map out."
        )
    if like_source and len(source) == len(common) == 2:
        common = tuple(declared[name] for name in source)
    indices = (
        tuple(common.index(declared[name]) if name in declared else None for name in source),
        tuple(common.index(name) if name in common else None for name in target),
    )
    return LabelMap(common, *indices)
