"""The one or two classifiers of the page, and their answers to a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import Texts
from uegr.modeling.model_loading import name_or_folder
from uegr.runs.open_classifier import OpenedClassifier, open_model


@dataclass(frozen=True)
class Answer:
    """The answer of a model to a text.

    Args:
        probabilities: class name -> probability, in the order of the classes; they are not calibrated.
    """

    probabilities: dict[str, float]

    @property
    def label(self) -> str:
        """The name of the most probable class."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of the most probable class."""
        return max(self.probabilities.values())


@dataclass(frozen=True)
class PlaygroundModels:
    """One or two classifiers that read the same texts.

    Args:
        classifiers: opened runs or checkpoints.
    """

    classifiers: Sequence[OpenedClassifier]

    def __post_init__(self) -> None:
        counts = [len(classifier.evaluated.text_columns) for classifier in self.classifiers]
        if len(set(counts)) > 1:
            paths = " and ".join(f"'{classifier.path}'" for classifier in self.classifiers)
            raise UsageError(
                f"{paths} read {counts[0]} and {counts[1]} texts: choose models of the same kind of texts."
            )

    @property
    def names(self) -> list[str]:
        """The path or hub name of each model."""
        return [name_or_folder(classifier.path) for classifier in self.classifiers]

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Names of the texts of an example, as the first model calls them."""
        return self.classifiers[0].evaluated.text_columns

    def answers(self, texts: Texts) -> list[Answer]:
        """Return the answer of each model to one example."""
        return [_answer(classifier, texts) for classifier in self.classifiers]

    def compare(self, before: Sequence[Answer], after: Sequence[Answer]) -> str:
        """Describe in one line per model whether its class changes, given the answers to two texts."""
        return "\n".join(
            f"{name}: {old.label} becomes {new.label}" if old.label != new.label else f"{name}: stays {old.label}"
            for name, old, new in zip(self.names, before, after, strict=True)
        )


def _answer(classifier: OpenedClassifier, texts: Texts) -> Answer:
    probabilities = np.asarray(classifier.evaluated.probabilities_of([texts])[0], dtype=float)
    return Answer(dict(zip(classifier.names, probabilities.tolist(), strict=True)))


def open_models(
    paths: Sequence[Path],
    text_column: str | None = None,
    text_pair_column: str | None = None,
    max_length: int | None = None,
    *,
    trust_remote_code: bool = False,
) -> PlaygroundModels:
    """Open one or two models; the arguments are those of `open_model`.

    Raises:
        UsageError: another number of models, or a model that cannot be used.
    """
    if not 1 <= len(paths) <= 2:  # before the models are loaded, which takes time
        raise UsageError(f"the playground takes one or two models, not {len(paths)}.")
    arguments = (text_column, text_pair_column, max_length)
    return PlaygroundModels([open_model(path, *arguments, trust_remote_code=trust_remote_code) for path in paths])
