from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import stats

from support.sample_runs import COST, RUN, full, sample, samples
from uegr.evaluation.area_under_curve import curve_area
from uegr.report.figures import catalogue
from uegr.report.figures.catalogue import SECTIONS, draw
from uegr.report.figures.chart import Chart
from uegr.report.figures.render import inline_svg, save_figures
from uegr.report.figures.step_time_charts import PARTS
from uegr.report.run_groups import group_runs, wilson
from uegr.runs.run_result import RunResult


def charts(runs: list[RunResult]) -> dict[str, Chart]:
    return {chart.name: chart for section in draw(runs).values() for chart in section}


@pytest.fixture(scope="module")
def drawn() -> dict[str, Chart]:
    return charts([full("plain", log=[{"step": 1, "loss": 0.7}, {"step": 2, "loss": 0.5}]), full()])


def test_everything_that_was_measured_is_drawn(drawn: dict[str, Chart]) -> None:
    assert set(drawn) == {
        "robustness",
        "attacks-0",
        "attacks-1",
        "text-attacks",
        "reliability",
        "selective",
        "ood",
        *(f"similarity-{kind}" for kind in ("cka", "cosine", "drift")),
        *(f"landscape-{kind}" for kind in ("slice", "sharpness", "eigenvalues", "trace", "input-gradient")),
        *("landscape-surface-0", "landscape-surface-1"),
        *("loss", "loss-terms-1", "divergence-1", "update-share", "mask-churn", "saliency-1", "saliency-final"),
        "cost",
        "step-time",
        "evaluation-cost",
    }


@pytest.mark.parametrize(("term", "title"), [("pass_loss", "k passes"), ("adversarial_loss", "adversarial")])
def test_the_loss_of_the_passes_is_drawn_by_either_name(term: str, title: str) -> None:
    """Earlier versions logged the mean over UEGR's passes as an adversarial loss, whatever the passes read."""
    log = [{"step": step, "loss": 1.0, term: 0.6, "clean_loss": 0.4} for step in (1, 2)]
    assert f"; {title} from 0.6 to 0.6; clean from" in charts([full(log=log)])["loss-terms-0"].alt


def test_every_file_of_charts_is_in_the_catalogue() -> None:
    files = {path.stem for path in Path(str(catalogue.__file__)).parent.glob("*_charts.py")}
    assert files == {file for files in SECTIONS.values() for file in files}


def test_what_was_not_measured_is_left_out() -> None:
    assert set(charts(samples())) == {"robustness", "text-attacks", "cost"}


def test_the_caption_counts_the_texts_that_an_attack_could_not_change() -> None:
    attacks = [{"attack": name, "accuracy": 1.0, "examples": 9, "untouched": n} for name, n in (("a", 4), ("b", 0))]
    caption = charts(samples(text_attacks=attacks))["text-attacks"].caption
    assert "Texts that an attack could not change, which count as right: a 4." in caption
    assert "could not change" not in charts(samples())["text-attacks"].caption


def test_deletion_is_a_line_over_the_bars_of_misspelt_words() -> None:
    attacks = [
        {"attack": name, "accuracy": value, "examples": 50} for name, value in (("deepwordbug", 0.6), ("deletion", 0.4))
    ]
    chart = charts(samples(text_attacks=attacks))["text-attacks"]
    axes = chart.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["clean text", "typing errors", "deepwordbug"]
    assert [row[0] for row in chart.rows] == ["clean text", "typing errors", "deepwordbug", "deletion"]
    assert chart.rows[3][2] == "40.0"
    bar, line = (mark for mark in chart.marks if mark.text.startswith("uegr, de"))
    assert (bar.x, line.x) == (60, 40) and bar.y == line.y
    assert "Vertical lines: accuracy under deletion; a model that ignores misspelt words" in chart.caption
    alone = charts(samples(text_attacks=attacks[1:]))["text-attacks"]
    assert "Vertical lines" not in alone.caption
    assert alone.figure.axes[0].get_yticklabels()[-1].get_text() == "deletion", "nothing to compare it with"


def test_attacks_with_other_options_have_rows_of_their_own() -> None:
    def attack(name: str, accuracy: float, **options: float) -> dict[str, Any]:
        return {"attack": name, "accuracy": accuracy, "examples": 50, "options": options}

    plain = [attack("deepwordbug", 0.6, max_share=0.3), attack("deletion", 0.4, max_share=0.3)]
    uegr = [
        {**attack("deepwordbug", 0.5, max_share=0.8), "temperature": 1.5},
        attack("deepwordbug", 0.7, max_share=0.8),
    ]
    runs = [sample(method="plain", text_attacks=plain), sample(text_attacks=uegr)]
    chart = charts(runs)["text-attacks"]
    assert [row[:3] for row in chart.rows[2:]] == [
        ["deepwordbug (max share 0.3)", "60.0", "–"],
        ["deletion", "40.0", "–"],
        ["deepwordbug calibrated", "–", "50.0"],
        ["deepwordbug (max share 0.8)", "–", "70.0"],
    ]
    assert "Vertical lines" in chart.caption
    other = [attack("deepwordbug", 0.6, max_share=0.3), attack("deletion", 0.4, max_share=0.5)]
    assert "Vertical lines" not in charts([sample(text_attacks=other)])["text-attacks"].caption, "not the same search"


def test_edits_of_the_training_and_the_size_of_the_changes_stand_at_the_figure() -> None:
    attack = {"attack": "deepwordbug", "accuracy": 0.6, "trained_on": True, "words_changed": 0.125, "similarity": 0.914}
    attack |= {"options": {"similarity": 0.8}}
    chart = charts(samples(text_attacks=[attack], typo_trained_on=True))["text-attacks"]
    assert "Trained on such edits: uegr under typing errors, deepwordbug." in chart.caption
    assert chart.headings[3:] == [
        "words changed %, plain",
        "words changed %, uegr",
        "cosine to the text before (its limit), plain",
        "cosine to the text before (its limit), uegr",
    ]
    assert chart.rows[-1][3:] == ["–", "12.5", "–", "0.91 (0.8)"]
    plain = charts(samples(text_attacks=[{**attack, "trained_on": False}]))["text-attacks"]
    assert "rained on" not in plain.caption


def test_a_cost_that_was_not_measured_is_left_out() -> None:
    plain, uegr = samples()
    unmeasured = replace(uegr, cost=replace(uegr.cost, flop_ratio=None, time_ratio=None))
    assert charts([plain, unmeasured])["cost"].rows == [["arithmetic", "2.30", "–"], ["time", "2.50", "–"]]
    assert "cost" not in charts([unmeasured])


def test_every_figure_has_words_units_numbers_and_marks(drawn: dict[str, Chart]) -> None:
    for chart in drawn.values():
        assert len(chart.alt) > 30
        assert re.search(r"\d", chart.alt), chart.name
        assert len(chart.caption) > 30
        assert chart.rows
        assert all(len(row) == len(chart.headings) for row in chart.rows), chart.name
        assert chart.marks
        assert any(axes.get_xlabel() for axes in chart.figure.axes), chart.name


def test_memory_that_was_not_measured_is_no_zero() -> None:
    """As of a run on Windows without CUDA."""
    chart = charts([full(cost={**COST, "peak_memory": None})])["step-time"]
    assert chart.rows[0][-1] == "not measured" and " MB" not in chart.alt + chart.caption


def test_a_step_whose_time_was_not_measured_is_not_drawn() -> None:
    for lacking in ("step_seconds", "tokens_per_second"):
        assert "step-time" not in charts([full(cost={**COST, lacking: None})])


def test_each_part_of_a_step_has_a_colour_of_its_own_the_same_in_every_report() -> None:
    few = {"attack": 0.2, "passes": 0.5, "backward": 0.3}
    every = dict.fromkeys(PARTS, 0.125)
    drawn = [charts([full(cost={**COST, "parts": parts})])["step-time"].figure for parts in (few, every)]
    legends = [dict(zip(*_texts_and_colours(figure), strict=True)) for figure in drawn]
    assert len({*legends[1].values()}) == len(PARTS)
    assert legends[0].items() <= legends[1].items()


def _texts_and_colours(figure: Figure) -> tuple[list[str], list[Any]]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()], [patch.get_facecolor() for patch in legend.get_patches()]


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


def test_runs_with_other_options_or_attacks_are_other_groups() -> None:
    options = full(options={"epsilon": 0.1}, seed=1)
    attack = full(seed=2, robustness={**RUN["robustness"], "steps": 50})
    labels = [group.label for group in group_runs([full(), options, attack])]
    assert labels == ["uegr", "uegr (epsilon 0.1)", "uegr, attack steps 50"]


def test_groups_of_one_method_keep_their_own_numbers() -> None:
    weak = {**RUN["robustness"], "accuracy": [0.7, 0.5, 0.3]}
    chart = charts([sample(), sample(train_examples=100, robustness=weak)])["robustness"]
    assert chart.headings[1:] == ["uegr, 2000 training examples (%)", "uegr, 100 training examples (%)"]
    assert [cell.split()[0] for cell in chart.rows[0][1:]] == ["80.0", "70.0"]


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


def test_each_attack_has_a_figure_of_its_own() -> None:
    other_ball = RUN["robustness"] | {"norm": "linf", "relative": False}
    drawn = charts([sample(method="plain"), sample(robustness=other_ball), sample(method="sam")])
    labels = [drawn[name].figure.axes[0].get_xlabel() for name in ("robustness", "robustness-1")]
    assert ["mean embedding norm" in label for label in labels] == [True, False]
    assert drawn["robustness"].headings[1:] == ["plain (%)", "sam (%)"]
    assert drawn["robustness-1"].title == "Robustness curve: uegr"


def test_wilsons_interval() -> None:
    low, high = wilson(0.4, 100)
    assert (round(low, 3), round(high, 3)) == (0.309, 0.498)  # the textbook's values
    assert wilson(0.0, 50)[0] == 0.0
    assert wilson(0.4, None) == (0.4, 0.4)


def test_marks_lie_where_the_curve_is_drawn(drawn: dict[str, Chart]) -> None:
    svg, points = inline_svg(drawn["robustness"])
    width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())  # type: ignore[union-attr]
    assert all(0 <= x <= width and 0 <= y <= height for x, y, _ in points)
    first = points[:3]
    path = re.search(r'<path d="M (\S+) (\S+) \nL (\S+) (\S+) \nL (\S+) (\S+) \n" style="[^>]*var\(--c0\)', svg)
    assert path is not None
    drawn_points = [float(number) for number in path.groups()]
    assert drawn_points == pytest.approx([value for x, y, _ in first for value in (x, y)], abs=0.1)
    assert [text for *_, text in first][1] == "plain: 60.0 % (54.4 – 65.4) at epsilon 0.02"


def test_svg_follows_the_pages_colours_and_shares_it_with_others(drawn: dict[str, Chart]) -> None:
    ids = []
    for chart in drawn.values():
        svg, _ = inline_svg(chart)
        assert "var(--ink)" in svg
        assert not {"#1c1c1c", "#000000", "mathdefault"} & set(re.findall(r"#[0-9a-f]{6}|mathdefault", svg))
        assert "<image" not in svg, f"{chart.name} holds pixels"
        own = re.findall(r'\bid="([^"]*)"', svg)
        assert set(re.findall(r'(?:url\(|href=")#([^")]*)', svg)) <= set(own)
        ids += own
    assert len(ids) == len(set(ids))


def test_saliency_of_a_layer_is_the_mean_over_its_elements(drawn: dict[str, Chart]) -> None:
    chart = drawn["saliency-final"]
    assert chart.headings == ["layer", "plain", "uegr"]
    assert chart.rows[0] == ["embeddings", *[f"{(4 * 1e-6 + 8 * 4e-6) / 12:.3g}"] * 2]


def test_labels_are_text_and_not_markup() -> None:
    pair = samples(method="_$x$<b>&")
    svg, _ = inline_svg(charts(pair)["robustness"])
    assert "_$x$&lt;b&gt;&amp;" in svg


def test_no_text_overlaps_another(drawn: dict[str, Chart]) -> None:
    for chart in drawn.values():
        if chart.name.startswith("landscape-surface"):
            continue  # the labels of contours lie in the drawing, where matplotlib places them
        inline_svg(chart)
        renderer = FigureCanvasAgg(chart.figure).get_renderer()
        for axes in chart.figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                labels = [
                    label for label in axis.get_ticklabels(which="both") if label.get_visible() and label.get_text()
                ]
                boxes = sorted(
                    (label.get_window_extent(renderer) for label in labels), key=lambda box: (round(box.y0), box.x0)
                )
                for first, second in pairwise(boxes):
                    assert not first.overlaps(second), f"{chart.name}: {[label.get_text() for label in labels]}"


def test_figures_are_files_too(drawn: dict[str, Chart], tmp_path: Path) -> None:
    written = save_figures([drawn["robustness"], drawn["saliency-1"]], tmp_path / "figures")
    assert sorted(path.name for path in written) == [
        "robustness.png",
        "robustness.svg",
        "saliency-1.png",
        "saliency-1.svg",
    ]
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert "Robustness curve" in (tmp_path / "figures" / "robustness.svg").read_text()


def test_a_figure_that_cannot_be_written_leaves_the_former_file(
    drawn: dict[str, Chart], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(figure: Figure, path: Path, **options: object) -> None:
        path.write_text("half")
        raise OSError("no space left")

    (tmp_path / "robustness.png").write_text("former")
    monkeypatch.setattr(Figure, "savefig", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_figures([drawn["robustness"]], tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("robustness.png", "former")]
