from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from support.report_samples import charts
from support.sample_runs import COST, RUN, full, sample, samples
from uegr.report.figures import catalogue
from uegr.report.figures.catalogue import SECTIONS
from uegr.report.figures.chart import Chart
from uegr.report.figures.render import inline_svg, save_figures
from uegr.report.figures.step_time_charts import PARTS
from uegr.report.run_groups import group_runs


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


def test_each_attack_has_a_figure_of_its_own() -> None:
    other_ball = RUN["robustness"] | {"norm": "linf", "relative": False}
    drawn = charts([sample(method="plain"), sample(robustness=other_ball), sample(method="sam")])
    labels = [drawn[name].figure.axes[0].get_xlabel() for name in ("robustness", "robustness-1")]
    assert ["mean embedding norm" in label for label in labels] == [True, False]
    assert drawn["robustness"].headings[1:] == ["plain (%)", "sam (%)"]
    assert drawn["robustness-1"].title == "Robustness curve: uegr"


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
