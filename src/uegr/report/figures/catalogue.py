"""Every figure that a set of runs has the numbers for, in the sections of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from uegr.report.figures.calibration_charts import reliability_chart, selective_chart
from uegr.report.figures.chart import Chart
from uegr.report.figures.cost_charts import evaluation_chart, ratio_chart
from uegr.report.figures.embedding_attack_charts import embedding_attack_charts
from uegr.report.figures.landscape_charts import landscape_charts
from uegr.report.figures.ood_charts import ood_chart
from uegr.report.figures.robustness_charts import robustness_chart
from uegr.report.figures.saliency_charts import saliency_charts
from uegr.report.figures.similarity_charts import similarity_charts
from uegr.report.figures.step_time_charts import step_time_chart
from uegr.report.figures.style import styled
from uegr.report.figures.text_attack_charts import text_attack_chart
from uegr.report.figures.training_charts import divergence_charts, loss_charts, selection_charts
from uegr.report.run_groups import group_runs

Sections = dict[str, list[Chart]]


def draw(runs: Sequence[dict[str, Any]]) -> Sections:
    """Title of a section -> its figures; sections without any are left out."""
    groups = group_runs(runs)
    with styled():
        sections: dict[str, list[Chart | None]] = {
            "Under attack": [
                robustness_chart(groups),
                text_attack_chart(groups),
                *embedding_attack_charts(groups),
            ],
            "Calibration": [reliability_chart(groups), selective_chart(groups), ood_chart(groups)],
            "What training has changed": [*similarity_charts(groups), *landscape_charts(groups)],
            "Training": [
                *loss_charts(groups),
                *divergence_charts(groups),
                *selection_charts(groups),
                *saliency_charts(groups),
            ],
            "Cost": [ratio_chart(groups), step_time_chart(groups), evaluation_chart(groups)],
        }
    drawn = {title: [chart for chart in charts if chart is not None] for title, charts in sections.items()}
    return {title: charts for title, charts in drawn.items() if charts}
