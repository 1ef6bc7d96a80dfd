"""Mean ranks over data sets, and their tables and diagram: experiments/standing*.py, rank_figure.py."""

from __future__ import annotations

import pytest
from experiments.rank_figure import rank_figure
from experiments.standing import ALL, Ranking, Standing
from experiments.standing_tables import advice, differences_to_plain, rank_table, state_of_runs


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
    assert "| clean | 7 |" in differences_to_plain(standing)
    assert "| embedding attacks | uegr |" in advice(standing)
    assert "| main | 217 of 217 | 7 | 5 |" in state_of_runs({"main": standing})


def test_losses_beyond_the_interval_are_named(standing: Standing) -> None:
    clean, ece, *_ = differences_to_plain(standing).splitlines()[2:]
    assert clean.endswith("| – | cola, stsb |")
    assert ece.endswith("| rotten_tomatoes, sst2, cola | trec |")  # a lower ECE is better


def test_the_diagram_says_the_rank_of_every_method(standing: Standing) -> None:
    rankings = standing.rankings
    figure = rank_figure(rankings)
    assert len(figure.axes) == len(rankings)
    for axes, ranking in zip(figure.axes, rankings.values(), strict=True):
        texts = " | ".join(text.get_text() for text in axes.texts)
        assert all(method in texts for method in ranking.mean_ranks)
