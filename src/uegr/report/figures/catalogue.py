"""The list of all figures, in the sections of the page.

A new figure is a file in this folder and its name in `SECTIONS`. The file has a function `charts(groups)` that returns
the charts that the groups of runs have the numbers for.
"""

from collections.abc import Callable, Sequence
from importlib import import_module

from uegr.report.figures.chart import Chart
from uegr.report.figures.style import styled
from uegr.report.run_groups import Group, group_runs
from uegr.runs.run_result import RunResult

SECTIONS = {
    "Under attack": ("robustness_charts", "text_attack_charts", "embedding_attack_charts"),
    "Calibration": ("reliability_charts", "risk_coverage_charts", "ood_charts"),
    "Effect of training": ("similarity_charts", "landscape_charts"),
    "Training": ("loss_charts", "divergence_charts", "selection_charts", "saliency_charts"),
    "Cost": ("cost_charts", "step_time_charts", "evaluation_cost_charts"),
}
"""Title of a section -> files of this folder."""
Charts = Callable[[Sequence[Group]], list[Chart]]
Sections = dict[str, list[Chart]]


def draw(runs: Sequence[RunResult]) -> Sections:
    """Return title of a section -> its charts; sections without charts are left out."""
    groups = group_runs(runs)
    with styled():
        drawn = {
            title: [chart for file in files for chart in _charts(file)(groups)] for title, files in SECTIONS.items()
        }
    return {title: charts for title, charts in drawn.items() if charts}


def _charts(file: str) -> Charts:
    charts: Charts = import_module(f"uegr.report.figures.{file}").charts
    return charts
