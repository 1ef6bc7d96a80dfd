"""The figures of grids: experiments/grid_figures.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from experiments.grid_figures import curves_figure, front_figure, rates_figure, settings_figure, svg_text
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

from support.compare_samples import made_up_tables
from uegr.compare.grid_summary import Table


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    return made_up_tables()


def test_figures_come_out_the_same_each_time(tables: list[Table]) -> None:
    rates = {"robust": {(0.1, 0.1): 40.0, (0.1, 0.3): 50.0, (0.3, 0.3): 45.0}}
    for draw in (lambda: front_figure(tables), lambda: curves_figure(tables), lambda: rates_figure(rates)):
        assert svg_text(draw()) == svg_text(draw())
    panels = front_figure(tables).axes
    assert [axes.get_title() for axes in panels] == ["sst2", "cola"]
    assert sum(bool(text.get_text()) for text in rates_figure(rates).axes[0].texts) == 3


def test_a_method_has_one_colour_in_all_panels(tables: list[Table]) -> None:
    first, second = tables
    fewer = replace(second, lines=[line for line in second.lines if line.method != "plain"])
    for figure in (front_figure([first, fewer]), curves_figure([first, fewer])):
        full, partial = (_colours(axes) for axes in figure.axes)
        assert partial == {name: full[name] for name in ("uegr", "sam")}


def _colours(axes: Axes) -> dict[str, str]:
    handles, names = axes.get_legend_handles_labels()
    lines = [handle[0] if isinstance(handle, ErrorbarContainer) else handle for handle in handles]
    return {name: line.get_color() for name, line in zip(names, lines, strict=True)}


def test_the_line_goes_through_what_nothing_beats() -> None:
    figure = settings_figure({"sst2": {"uegr": [(0.5, 0.7), (0.4, 0.8), (0.4, 0.6), (0.3, 0.75)]}})
    front, points = figure.axes[0].get_lines()
    assert list(front.get_xdata()) == pytest.approx([40, 50]) and list(front.get_ydata()) == pytest.approx([80, 70])
    assert len(np.asarray(points.get_xdata())) == 4
