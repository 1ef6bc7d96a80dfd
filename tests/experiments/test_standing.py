"""Mean ranks over data sets, and their tables and diagram: experiments/standing*.py, rank_figure.py."""

from __future__ import annotations

import pytest
from experiments.rank_figure import rank_figure
from experiments.standing import ALL, Ranking, Standing, mean_ranks
from experiments.standing_tables import advice, differences_to_plain, first_place, rank_table, state_of_runs

from support.sample_runs import sample
from uegr.compare.grid_summary import Line, Table
from uegr.compare.measures import Measure
from uegr.evaluation.statistics import estimate
from uegr.modeling.metrics import Metric


@pytest.fixture(scope="module")
def standing() -> Standing:
    return Standing.of_grid("main")


def test_every_measure_counts_once_in_all(standing: Standing) -> None:
    rankings = standing.rankings
    assert list(rankings) == ["clean", "ECE", "embedding attacks", ALL]
    assert rankings["ECE"].tasks == 6 and rankings[ALL].tasks == 7  # a regression has no ECE
    for ranking in rankings.values():
        assert sum(ranking.mean_ranks.values()) == pytest.approx(7 * 8 / 2)


def test_methods_within_a_critical_difference_stand_together() -> None:
    ranking = Ranking({"a": 1.0, "b": 2.0, "c": 4.0, "d": 3.0}, tasks=14)  # critical difference 1.25
    assert ranking.not_different() == [["a", "b"], ["b", "d"], ["d", "c"]]


def test_the_tables_name_every_method_and_measure(standing: Standing) -> None:
    ranks = rank_table(standing)
    assert ranks.splitlines()[2].startswith("| uegr |") and len(ranks.splitlines()) == 2 + 7
    assert "| 11 of 31 |" in next(line for line in ranks.splitlines() if "freelb" in line)
    assert "| clean | 7 |" in differences_to_plain(standing.tables, standing.tables)
    assert "| embedding attacks | uegr |" in advice(standing)
    assert "| main | 217 of 217 | 7 | 5 |" in state_of_runs({"main": standing})


def test_losses_beyond_the_interval_are_named(standing: Standing) -> None:
    clean, ece, *_ = differences_to_plain(standing.tables, standing.tables).splitlines()[2:]
    assert clean.endswith("| – | cola, stsb |")
    assert ece.endswith("| rotten_tomatoes, sst2, cola | trec |")  # a lower ECE is better


def test_the_diagram_says_the_rank_of_every_method(standing: Standing) -> None:
    rankings = standing.rankings
    figure = rank_figure(standing)
    assert len(figure.axes) == len(rankings)
    for axes, ranking in zip(figure.axes, rankings.values(), strict=True):
        texts = " | ".join(text.get_text() for text in axes.texts)
        assert all(method in texts for method in ranking.mean_ranks)
        assert "after Holm's correction" in axes.get_title(loc="left")


def test_p_is_corrected_over_the_rankings(standing: Standing) -> None:
    p = [ranking.p for ranking in standing.rankings.values()]
    assert min(standing.adjusted_p.values()) == pytest.approx(len(p) * min(p))


def test_what_the_first_place_depends_on(standing: Standing) -> None:
    line = " ".join(first_place(standing).split())
    assert line.startswith(
        "Mean ranks by all measures, the first two: uegr 2.86, roast 3.29. If one of the 7 data sets is left out,"
    )
    assert "freelb is first without rte" in line and line.endswith(
        "Without cola, rte and boolq: freelb 2.00, uegr 2.60."
    )
    assert standing.overall(["cola", "rte"]).tasks == 5


def test_groups_that_count_once_share_one_vote() -> None:
    measures = [Measure(name, Metric(f"{name} %"), lambda run: 0.0) for name in ("clean", "synonyms", "letter tricks")]
    values = {"a": (0.1, 0.9, 0.9), "b": (0.9, 0.1, 0.1)}
    lines = [
        Line(
            method,
            {0: sample()},
            1,
            {measure.name: estimate([value]) for measure, value in zip(measures, of, strict=True)},
        )
        for method, of in values.items()
    ]
    table = Table("t", "m", "accuracy", measures, lines)
    assert mean_ranks(table) == {"a": 1.5, "b": 1.5}
    assert mean_ranks(table, count_once={})["a"] == pytest.approx(4 / 3)
