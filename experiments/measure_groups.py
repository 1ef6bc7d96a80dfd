"""The measures of a comparison in groups, one number each: many attacks of one kind must not outvote the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uegr.compare.measures import Measure, measures_of
from uegr.evaluation.statistics import Scores
from uegr.runs.run_result import RunResult

GROUPS = {
    "clean": ("clean",),
    "ECE": ("ECE",),
    "embedding attacks": ("robust", "auto-pgd"),
    "synonyms": ("synonyms",),
    "letter tricks": ("ocr", "homoglyphs", "leetspeak", "spaced"),
    "typing errors": ("deepwordbug", "slips", "misspellings"),
    "other data": (),
}
"""Group -> the measures whose mean it is; "other data": the mean over all sets that a model was transferred to. No
method trains on synonyms or letter tricks; UEGR's edited view makes typing errors, and the misspellings of people are
as near to the word."""

UNSEEN_TEXT = dict.fromkeys(("synonyms", "letter tricks"), "unseen text attacks")
"""Group -> the name under which it counts once, with the others of that name, in the ranking by all measures: text
attacks that no method trained on. The other groups count on their own."""
TEXT = dict.fromkeys((*UNSEEN_TEXT, "typing errors"), "text attacks")
"""The same, if all text attacks count once."""


def grouped_measures(runs: Sequence[RunResult]) -> list[Measure]:
    """One measure for each of `GROUPS` that the runs have."""
    measures = {measure.name: measure for measure in measures_of(runs)}
    transfer = tuple(name for name in measures if name.startswith("on "))
    members = {
        group: [measures[name] for name in names or transfer if name in measures] for group, names in GROUPS.items()
    }
    return [_mean_of(group, measures) for group, measures in members.items() if measures]


def _mean_of(group: str, measures: Sequence[Measure]) -> Measure:
    def value(run: RunResult) -> float | None:
        values = [measure.value(run) for measure in measures]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if len(known) == len(values) else None

    def scores(run: RunResult) -> Scores | None:
        recorded = [scores for measure in measures if (scores := measure.scores(run)) is not None]
        if len(recorded) < len(measures) or len({array.shape for array in recorded}) > 1:
            return None
        mean: Scores = np.mean(recorded, axis=0)
        return mean

    return Measure(group, measures[0].metric, value, scores)
