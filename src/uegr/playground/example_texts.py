"""Example texts for the playground, from the test data of a run."""

from uegr.data.splits import LABEL, subset
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import Texts
from uegr.playground.playground_models import PlaygroundModels

COUNT = 8


def draw_examples(models: PlaygroundModels) -> list[tuple[Texts, str]]:
    """Return texts of the test data of the first run, the same random choice each time, with their true classes.

    The list is empty if no model is a run whose data is still available.
    """
    for classifier in models.classifiers:
        try:
            rows = subset(classifier.labelled_rows(None, "test"), COUNT, 0)
        except UsageError:
            continue
        classes = [classifier.names[label] for label in rows[LABEL]]
        return list(zip(classifier.evaluated.texts(rows), classes, strict=True))
    return []
