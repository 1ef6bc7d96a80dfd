"""What the first table of the report compares: at most seven measures, under names in plain words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from uegr.compare.measures import Measure
from uegr.evaluation.packed_outcomes import unpack_bits, unpack_outcomes
from uegr.evaluation.statistics import Scores
from uegr.modeling.metrics import METRICS, Metric
from uegr.report.run_groups import Group
from uegr.runs.result_parts import TextAttackRecord, on_data
from uegr.runs.run_result import RunResult
from uegr.runs.text_attack_groups import attack_with_key, comparison_key, distinct_attacks, distinct_names

MOST_MEASURES = 7
RIGHT = Metric("right answers")
TEXT_ATTACKS = {
    "typos": "typing errors, the worst of several tries",
    "deepwordbug": "words misspelt by an attacker (DeepWordBug)",
    "deepwordbug-published": "words misspelt by an attacker (DeepWordBug as published)",
    "textfooler-published": "words replaced by synonyms (the search of TextFooler as published)",
    "synonyms": "words replaced by synonyms",
    "deletion": "words left out by an attacker",
}
"""Attack on the text -> what it does, in words."""
EMBEDDINGS = "invisible changes of the embeddings"
TITLES = {"pgd": "PGD", "auto-pgd": "Auto-PGD"}


@dataclass(frozen=True)
class TableMeasure(Measure):
    """One row of the first table. Its name needs no knowledge of attacks, and the title of its metric is the unit.

    Args:
        examples: the number of texts, if the value is a share of texts; else None.
        attack_key: of an attack on the text (see `uegr.runs.text_attack_groups`); None for other measures.
        mark: of a run that was trained on such edits; else empty.
    """

    examples: Callable[[RunResult], int | None] = lambda run: None
    attack_key: str | None = None
    mark: Callable[[RunResult], str] = lambda run: ""

    @property
    def title(self) -> str:
        """The name, and the metric where it is not the share of right answers."""
        lower = ", lower is better" if self.metric.lower_is_better else ""
        return self.name if self.metric == RIGHT else f"{self.name}: {self.metric.title}{lower}"

    def mark_of(self, runs: Iterable[RunResult]) -> str:
        """The mark of the mean over these runs."""
        return max((self.mark(run) for run in runs if self.value(run) is not None), default="")


def first_measures(groups: Sequence[Group]) -> list[TableMeasure]:
    """Return the measures that any of the groups has, at most seven: of many attacks on the text the strongest.

    Attacks that all runs have come before others. Beside misspelt words there are always those left out, if measured:
    a model that ignores misspelt words is right equally often under both.
    """
    runs = [run for group in groups for run in group.runs]
    first = runs[0]
    unchanged = [_metric("unchanged texts", name) for name in dict.fromkeys((first.metric, "accuracy"))]
    rates = dict.fromkeys(run.at_typo_rate for run in runs)
    typos = [_metric("texts with typing errors", name, rate) for rate in rates for name in METRICS]
    embeddings = _under_embedding_attack(runs)
    points = Metric("points", lower_is_better=True)
    calibration = TableMeasure("calibration error", points, lambda run: run.metrics.get("ece"))
    before, after = _measured([*unchanged, *typos], runs), _measured([*embeddings, calibration], runs)
    attacks = distinct_attacks(runs)
    under_attack = sorted(  # those that all runs have first: they can be compared
        map(_under_text_attack, attacks, distinct_names(attacks, attack_in_words)),
        key=lambda measure: (any(measure.value(run) is None for run in runs), mean_value(measure, runs)),
    )
    del before[MOST_MEASURES - len(after) - bool(under_attack) :]  # of many rates of typing errors the last
    return [*before, *_first_attacks(under_attack, MOST_MEASURES - len(before) - len(after)), *after]


def _first_attacks(attacks: Sequence[TableMeasure], room: int) -> list[TableMeasure]:
    """The first attacks; words left out take the last place where words misspelt by the same search have another."""
    first = list(attacks[:room])
    for deletion in attacks[room:]:
        misspelt = _name(deletion).replace("deletion", "deepwordbug")
        others = [measure for measure in first if _name(measure) != misspelt]
        if _name(deletion).startswith("deletion") and others and len(others) < len(first):
            return [measure for measure in first if measure is not others[-1]] + [deletion]
    return first


def _name(measure: TableMeasure) -> str:
    """The name of an attack on the text, with what was attacked."""
    return (measure.attack_key or "").partition(" {")[0]


def strongest_attack(measures: Sequence[TableMeasure], groups: Sequence[Group]) -> TableMeasure | None:
    """Of the attacks on the text that all of these groups have, return the one with the lowest accuracy."""
    attacks = [
        measure
        for measure in measures
        if measure.attack_key and all(measure.value(run) is not None for group in groups for run in group.runs)
    ]
    runs = [run for group in groups for run in group.runs]
    return min(attacks, key=lambda measure: mean_value(measure, runs), default=None)


def mean_value(measure: TableMeasure, runs: Iterable[RunResult]) -> float:
    """Return the mean over the runs that have the measure; NaN where none has."""
    values = [value for run in runs if (value := measure.value(run)) is not None]
    return float(np.mean(values)) if values else float("nan")


def attack_in_words(attack: TextAttackRecord) -> str:
    """Return what an attack on the text does, in words."""
    name = TEXT_ATTACKS.get(attack.attack, f"text changed by {attack.attack.replace('_', ' ')}") + on_data(attack.split)
    return name if attack.temperature is None else f"{name}, calibrated"


def _measured(measures: Iterable[TableMeasure], runs: Sequence[RunResult]) -> list[TableMeasure]:
    return [measure for measure in measures if any(measure.value(run) is not None for run in runs)]


def _metric(name: str, metric: str, at_typo_rate: str | None = None) -> TableMeasure:
    """A metric of the whole test data, as it is or with typing errors, of runs of one rate."""
    prefix, part = ("", "clean") if at_typo_rate is None else ("typo_", "typos")
    is_share = metric == "accuracy"

    def value(run: RunResult) -> float | None:
        return run.metrics.get(prefix + metric) if at_typo_rate in (None, run.at_typo_rate) else None

    def scores(run: RunResult) -> Scores | None:
        if not is_share or part not in (run.outcomes or {}):
            return None
        assert run.outcomes is not None
        return unpack_bits(run.outcomes[part], run.outcomes["examples"]).astype(float)

    return TableMeasure(
        name + (at_typo_rate or ""),
        RIGHT if is_share else METRICS[metric],
        value,
        scores,
        lambda run: run.test_examples if is_share else None,
        mark=lambda run: "" if at_typo_rate is None else run.typo_mark,
    )


def _under_text_attack(example: TextAttackRecord, name: str) -> TableMeasure:
    key = comparison_key(example)

    def value(run: RunResult) -> float | None:
        attack = attack_with_key(run, key)
        return None if attack is None else attack.accuracy

    def examples(run: RunResult) -> int | None:
        attack = attack_with_key(run, key)
        return None if attack is None else attack.examples

    def scores(run: RunResult) -> Scores | None:
        attack = attack_with_key(run, key)
        return None if attack is None else attack.scores()

    def mark(run: RunResult) -> str:
        attack = attack_with_key(run, key)
        return "" if attack is None else attack.mark

    return TableMeasure(name, RIGHT, value, scores, examples, key, mark)


def _under_embedding_attack(runs: Sequence[RunResult]) -> list[TableMeasure]:
    """The mean height of the robustness curve at the epsilons that all runs share; none where they share none."""
    curve = runs[0].robustness
    shared = sorted(
        set.intersection(*({*run.robustness.epsilons} for run in runs if _same_attack(run, runs[0]))) - {0.0}
    )
    if not shared:
        return []
    is_share = curve.metric == "accuracy"

    def positions(run: RunResult) -> list[int] | None:
        return [run.robustness.epsilons.index(epsilon) for epsilon in shared] if _same_attack(run, runs[0]) else None

    def value(run: RunResult) -> float | None:
        chosen = positions(run)
        return None if chosen is None else float(np.mean([run.robustness.values[i] for i in chosen]))

    def scores(run: RunResult) -> Scores | None:
        outcomes, chosen = unpack_outcomes(run.outcomes, run.robustness.examples), positions(run)
        return None if outcomes is None or chosen is None else np.asarray(outcomes[1][chosen].mean(axis=0))

    return [
        TableMeasure(
            f"{EMBEDDINGS} ({TITLES.get(curve.attack, 'PGD')})",
            RIGHT if is_share else replace(METRICS[curve.metric], title=curve.metric.replace("_", " ") + " %"),
            value,
            scores,
            lambda run: run.robustness.examples if is_share else None,
        )
    ]


def _same_attack(run: RunResult, other: RunResult) -> bool:
    """Whether the robustness curves of the two runs can be compared."""
    return run.robustness.metric == other.robustness.metric and run.robustness.same_attack(other.robustness)
