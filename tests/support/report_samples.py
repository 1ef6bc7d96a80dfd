"""Made-up runs for reports whose numbers are known, and parts of the report by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from support.sample_runs import sample
from uegr.evaluation.packed_outcomes import pack_bits
from uegr.report.figures.catalogue import draw
from uegr.report.figures.chart import Chart
from uegr.report.group_difference import reference_of
from uegr.report.run_groups import group_runs
from uegr.report.table_measures import TableMeasure, first_measures
from uegr.report.verdict import verdict_of
from uegr.runs.run_result import RunResult

COUNT = 200


def attacked(name: str, hits: np.ndarray) -> dict[str, Any]:
    """An attack on the text after which these examples are right."""
    return {"attack": name, "examples": len(hits), "accuracy": float(hits.mean()), "outcomes": pack_bits(hits)}


def first_right(count: int) -> np.ndarray:
    """Outcomes of `COUNT` examples of which the first are right."""
    return np.arange(COUNT) < count


def pair(plain: int, uegr: int, **changes: Any) -> list[RunResult]:
    """Two runs that are right on the first texts under DeepWordBug; every text right on one is right on the other."""
    return [
        sample(method=method, text_attacks=[attacked("deepwordbug", first_right(count))], **changes)
        for method, count in (("plain", plain), ("uegr", uegr))
    ]


def told(runs: list[RunResult]) -> str:
    """The verdict on the runs."""
    groups = group_runs(runs)
    return verdict_of(groups, reference_of(groups), first_measures(groups)).replace("\u00a0", " ")


def measure_named(runs: list[RunResult], part: str) -> TableMeasure:
    """The measure of the report's first table whose name has this part."""
    return next(measure for measure in first_measures(group_runs(runs)) if part in measure.name)


def charts(runs: list[RunResult]) -> dict[str, Chart]:
    """All charts of the report by name."""
    return {chart.name: chart for section in draw(runs).values() for chart in section}
