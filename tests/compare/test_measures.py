from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from support.compare_samples import ROBUST_ACCURACY, first_task, made_up_grid, made_up_run, made_up_slots
from support.sample_runs import RUN, sample
from uegr.compare.cell import Cell
from uegr.compare.grid_summary import mark, summarise
from uegr.compare.grid_table import cells, headings
from uegr.compare.measures import CLEAN, ROBUST, TYPOS, collapsed, measures_of, robustness
from uegr.compare.result_slot import Run
from uegr.errors import UsageError
from uegr.evaluation.packed_outcomes import pack_bits, pack_outcomes, unpack_bits, unpack_outcomes
from uegr.runs.run_result import RunResult


def with_curve(epsilons: list[float], values: list[float], metric: str = "accuracy") -> RunResult:
    """A run with this robustness curve."""
    curve = {"attack": "pgd", "norm": "l2", "relative": True, "epsilons": epsilons, metric: values}
    return sample(robustness=curve)


def test_further_attacks_are_measures_like_the_others() -> None:
    def run_of(cell: Cell) -> Run:
        robust = np.random.default_rng(cell.seed).random(200) < ROBUST_ACCURACY[cell.method]
        text = {"attack": "synonyms", "accuracy": float(robust.mean()), "examples": 200, "outcomes": pack_bits(robust)}
        curve = {"attack": "auto-pgd", "epsilons": [0.0, 0.02, 0.04], "accuracy": [0.8, 0.4, 0.2]}
        curve |= {"norm": "l2", "relative": True}
        return {**made_up_run(cell), "text_attacks": [text], "embedding_attacks": [curve]}

    (table,) = summarise(made_up_slots(first_task(made_up_grid()), run_of))
    uegr = table.line("uegr")
    assert uegr and uegr.estimates["auto-pgd"].mean == pytest.approx(0.3)
    assert mark(uegr, "synonyms") == "▲" and uegr.plain["synonyms"].comparison.p_examples is not None
    assert headings(table)[-6:] == ["typos %", "auto-pgd %", "synonyms %", "ECE", "FLOPs ×", "time ×"]
    assert len(cells(table, uegr)) == len(headings(table))


def test_the_attack_typos_is_not_the_measure_typos() -> None:
    """An attack that takes the worst of several tries, and a fixed random error."""

    def run_of(cell: Cell) -> Run:
        run = made_up_run(cell)
        under_attack = 0.65 + 0.001 * cell.seed if cell.method == "uegr" else 0.5
        typos = 0.6 + 0.001 * cell.seed if cell.method == "uegr" else 0.7
        run["metrics"] = {**run["metrics"], "typo_accuracy": typos}
        return {**run, "text_attacks": [{"attack": "typos", "accuracy": under_attack, "examples": 200}]}

    (table,) = summarise(made_up_slots(first_task(made_up_grid()), run_of))
    uegr = table.line("uegr")
    assert uegr and (mark(uegr, "typos"), mark(uegr, "typos attack")) == ("▼", "▲")
    row = dict(zip(headings(table), cells(table, uegr), strict=True))
    assert row["typos %"].startswith("60.") and row["typos attack %"].startswith("**65.")


def test_typing_errors_of_another_rate_than_the_first_runs_are_not_compared() -> None:
    def run_of(cell: Cell) -> Run:
        run = made_up_run(cell)
        run["metrics"] = {**run["metrics"], "typo_accuracy": 0.6}
        return {**run, "typo_rate": 0.05} if cell.method == "uegr" else run

    (table,) = summarise(made_up_slots(first_task(made_up_grid()), run_of))
    assert [cells(table, line)[headings(table).index("typos %")] for line in table.lines] == [
        "60.0 ± 0.0",
        "–",
        "60.0 ± 0.0",
    ]


def test_two_measures_of_one_name_are_refused() -> None:
    attacks = [{"attack": name, "accuracy": 0.5} for name in ("typos", "typos attack")]
    with pytest.raises(UsageError, match="two measures of the table are called 'typos attack'"):
        measures_of([sample(text_attacks=attacks)])


def test_further_tasks_are_measures_like_the_others() -> None:
    def run_of(cell: Cell) -> Run:
        value = 0.7 + 0.01 * cell.seed if cell.method == "uegr" else 0.6
        entry = {"task": "imdb", "metric": "accuracy", "metrics": {"accuracy": value}, "test_examples": 9}
        entry |= {"leakage": {"examples": 9, "exact": 0, "near": 0, "similarity": 0.5}, "unseen": {"accuracy": value}}
        return {**made_up_run(cell), "transfer": [entry]}

    (table,) = summarise(made_up_slots(first_task(made_up_grid()), run_of))
    uegr = table.line("uegr")
    assert uegr and uegr.estimates["on imdb"].mean == pytest.approx(0.72) and mark(uegr, "on imdb") == "▲"
    assert headings(table)[-5:] == ["typos %", "on imdb %", "ECE", "FLOPs ×", "time ×"]


def test_examples_are_scored_only_where_the_metric_is_their_mean() -> None:
    hits = np.arange(10) < 6
    attacked = np.ones((2, RUN["robustness"]["examples"]), dtype=bool)
    run = sample(outcomes=pack_outcomes(hits, attacked, hits), metric="accuracy")
    scores = CLEAN.scores(run)
    assert scores is not None and scores.mean() == 0.6
    assert CLEAN.scores(replace(run, metric="matthews")) is None


@pytest.mark.parametrize("name", ["typo_accuracy", "typo_entity_f1", "typo_micro_f1", "typo_bleu"])
def test_every_kind_of_task_has_a_measure_under_typing_errors(name: str) -> None:
    assert TYPOS.value(sample(metrics={"accuracy": 0.9, name: 0.5})) == 0.5
    assert TYPOS.value(sample(metrics={"accuracy": 0.9, "typo_perplexity": 3.0})) is None


def test_robustness_is_the_mean_over_the_radii_above_0() -> None:
    run = with_curve([0.0, 0.1, 0.2], [0.9, 0.5, 0.3])
    assert robustness(run) == pytest.approx(0.4) and not collapsed(run)
    constant = with_curve([0.0, 0.1], [0.5, 0.5])
    assert collapsed(constant)
    by_class = [{"slice": "class a", "accuracy": 0.99}, {"slice": "class b", "accuracy": 0.01}]
    assert collapsed(replace(constant, slices=by_class))
    right = [{"slice": "class a", "accuracy": 0.9}, {"slice": "class b", "accuracy": 0.8}]
    assert not collapsed(replace(constant, slices=right)), "the attacks were too weak to change anything"
    wavering = replace(with_curve([0.0, 0.1], [0.5, 0.49]), slices=by_class)
    assert collapsed(wavering), "an attack changes one of the few other predictions"
    one_class = [{"slice": "class a", "accuracy": 1.0}]
    assert not collapsed(replace(constant, slices=one_class)), "no other class shows that the prediction is constant"
    clean_only = with_curve([0.0], [0.5])
    assert robustness(clean_only) is None and not collapsed(clean_only)


@pytest.mark.parametrize(
    ("curve", "metric"), [("token_accuracy", "entity_f1"), ("micro_f1", "micro_f1"), ("pearson", "pearson")]
)
def test_a_flat_curve_of_another_metric_alone_is_no_collapse(curve: str, metric: str) -> None:
    def run(value: float) -> RunResult:
        return replace(with_curve([0.0, 0.1], [value or 0.8] * 2, curve), metric=metric, metrics={metric: value})

    assert not collapsed(run(0.9))
    assert collapsed(run(0.0))


def test_a_measure_that_a_run_lacks_is_no_zero() -> None:
    assert ROBUST.number(with_curve([0.0, 0.1], [0.8, 0.0])) == 0
    with pytest.raises(ValueError, match="the run has no robust"):
        ROBUST.number(with_curve([0.0], [0.8]))


def test_outcomes_come_back_as_they_were() -> None:
    generator = torch.Generator().manual_seed(0)
    clean = (torch.rand(13, generator=generator) < 0.5).numpy()
    robust = (torch.rand(3, 9, generator=generator) < 0.5).numpy()
    outcomes = json.loads(json.dumps(pack_outcomes(clean, robust, ~clean)))
    back = unpack_outcomes(outcomes, attacked=9)
    assert back is not None
    assert (back[0] == clean).all() and (back[1] == robust).all()
    assert (unpack_bits(outcomes["typos"], 13) == ~clean).all()
    assert unpack_outcomes(None, attacked=9) is None
