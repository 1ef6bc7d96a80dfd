"""Robustness curves, their bands, areas and words."""

from __future__ import annotations

import pytest
from scipy import stats

from support.report_samples import charts
from support.sample_runs import RUN, sample, samples
from uegr.evaluation.area_under_curve import curve_area
from uegr.report.run_groups import group_runs, wilson


def test_robustness_curve_shows_the_numbers_and_wilsons_band() -> None:
    chart = charts(samples())["robustness"]
    lines = chart.figure.axes[0].get_lines()
    assert [list(line.get_ydata()) for line in lines] == [pytest.approx([80, 60, 40])] * 2
    assert chart.rows[1] == ["0.02", *["60.0 (54.4 – 65.4)"] * 2]
    assert chart.rows[-1] == ["area, 0 to 0.04", "60.0", "60.0"]


def test_several_seeds_are_one_curve_with_students_band() -> None:
    seeds = [sample(seed=i, robustness={**RUN["robustness"], "accuracy": [0.8, 0.6 + 0.01 * i, 0.4]}) for i in range(3)]
    chart = charts(seeds)["robustness"]
    assert chart.headings == ["epsilon", "uegr (%)"]
    low, high = stats.t.interval(0.95, 2, 61.0, stats.sem([60.0, 61.0, 62.0]))
    assert chart.rows[1][1] == f"61.0 ({low:.1f} – {high:.1f})"
    assert [group.seeds for group in group_runs(seeds)] == ["seeds 0, 1, 2"]


@pytest.mark.parametrize(
    ("last", "change"), [(0.55, "rises from 40 to 55 %"), (0.401, "stays at 40 %"), (-0.3, "falls from 40 to -30 %")]
)
def test_the_words_of_the_robustness_curve_follow_its_numbers(last: float, change: str) -> None:
    curve = {"attack": "pgd", "norm": "l2", "relative": True, "epsilons": [0.0, 0.02], "pearson": [0.4, last]}
    chart = charts([sample(metric="pearson", metrics={"pearson": 0.4}, robustness=curve)])["robustness"]
    assert f"uegr {change}" in chart.alt


def test_a_band_holds_possible_values_only() -> None:
    seeds = [
        sample(seed=seed, robustness={**RUN["robustness"], "accuracy": accuracy})
        for seed, accuracy in enumerate([[0.98, 0.5, 0.03], [1.0, 0.5, 0.0]])
    ]
    chart = charts(seeds)["robustness"]
    assert [chart.rows[0][1], chart.rows[2][1]] == ["99.0 (86.3 – 100.0)", "1.5 (0.0 – 20.6)"]


def test_area_is_the_mean_height() -> None:
    assert curve_area([0.0, 0.1, 0.4], [0.8, 0.8, 0.8]) == pytest.approx(0.8)
    assert curve_area([0.0, 0.1, 0.4], [1.0, 0.5, 0.0]) == pytest.approx((0.075 + 0.075) / 0.4)
    assert curve_area([0.0, 0.1, 0.4], [1.0, 0.5, 0.0], up_to=0.1) == pytest.approx(0.75)
    assert curve_area([0.0, 0.4], [1.0, 0.0], up_to=0.1) == pytest.approx(0.875)
    assert curve_area([0.0], [0.7]) == 0.7


def test_areas_are_of_the_range_that_all_curves_share() -> None:
    assert curve_area([0.0, 0.1, 0.3], [1.0, 0.5, 0.1], start=0.2) == pytest.approx(0.2)
    assert curve_area([0.0, 0.4], [1.0, 0.0], up_to=0.1, start=0.1) == pytest.approx(0.75)
    late = sample(method="plain", robustness={**RUN["robustness"], "epsilons": [0.02, 0.04], "accuracy": [0.6, 0.4]})
    chart = charts([late, sample()])["robustness"]
    assert chart.rows[-1] == ["area, 0.02 to 0.04", "50.0", "50.0"]
    assert chart.caption.endswith("between 0.02 and 0.04.")
    apart = sample(method="plain", robustness={**RUN["robustness"], "epsilons": [0.05, 0.06], "accuracy": [0.6, 0.4]})
    chart = charts([apart, sample()])["robustness"]
    assert chart.rows[-1][0] == "0.06" and "rea" not in chart.caption.split("Bands")[1]


def test_wilsons_interval() -> None:
    low, high = wilson(0.4, 100)
    assert (round(low, 3), round(high, 3)) == (0.309, 0.498)  # the textbook's values
    assert wilson(0.0, 50)[0] == 0.0
    assert wilson(0.4, None) == (0.4, 0.4)
