"""Scores of benchmarks."""

from __future__ import annotations

from typing import Any

import pytest

from uegr.errors import UsageError
from uegr.evaluation.benchmark_scores import advglue_score, measured_on

SETS = {
    "advglue_sst2": {"accuracy": 0.5},
    "advglue_qqp": {"accuracy": 0.6, "f1": 0.4},
    "advglue_mnli": {"accuracy": 0.2},
    "advglue_mnli_mm": {"accuracy": 0.4},
    "advglue_qnli": {"accuracy": 0.6},
    "advglue_rte": {"accuracy": 0.1},
}


def test_score_is_a_mean_of_means() -> None:
    assert advglue_score(SETS)["mnli"] == pytest.approx(0.3)
    assert advglue_score(SETS)["advglue"] == pytest.approx((0.5 + 0.5 + 0.3 + 0.6 + 0.1) / 5)


def test_a_part_has_no_score() -> None:
    with pytest.raises(UsageError, match="advglue_rte"):
        advglue_score({name: metrics for name, metrics in SETS.items() if name != "advglue_rte"})


def test_runs_bring_their_own_task_and_those_they_were_measured_on() -> None:
    run = {"task": "sst2", "metrics": {"accuracy": 0.9}}
    run["transfer"] = [{"task": name, "metrics": metrics} for name, metrics in SETS.items()]  # type: ignore[assignment]
    assert {*measured_on([run])} == {"sst2", *SETS}
    with pytest.raises(UsageError, match="two runs are measured on 'sst2'"):
        measured_on([run, run])


def test_a_part_of_a_set_has_no_score() -> None:
    def measured(task: str, examples: int) -> list[dict[str, Any]]:
        transfer = [{"task": task, "metrics": {"accuracy": 0.5}, "test_examples": examples}]
        return [{"task": "sst2", "metrics": {"accuracy": 0.9}, "test_examples": 8, "transfer": transfer}]

    assert "advglue_sst2" in measured_on(measured("advglue_sst2", 148))
    assert "imdb" in measured_on(measured("imdb", 8)), "not a set of AdvGLUE"
    with pytest.raises(UsageError, match="'advglue_sst2' was measured on 8 of its 148 texts: measure it again"):
        measured_on(measured("advglue_sst2", 8))
