from __future__ import annotations

from pathlib import Path

import pytest

from uegr.errors import UsageError
from uegr.runs.analyse import analyse_run
from uegr.runs.results_json import read_results
from uegr.runs.run_folder import RESULTS


def test_parts_are_added_one_after_the_other(evaluated_run: Path) -> None:
    events: list[tuple[str, int, int]] = []
    analyse_run(evaluated_run, ["calibration"], examples=4)
    result = analyse_run(evaluated_run, ["selective"], on_part=lambda *event: events.append(event))
    assert set(result.analysis) == {"calibration", "selective"}
    assert result == read_results(evaluated_run)[0]
    assert events == [("analysing", 0, 1), ("analysing", 1, 1)]


def test_a_run_that_was_not_evaluated_is_refused(evaluated_run: Path) -> None:
    (evaluated_run / RESULTS).unlink()
    with pytest.raises(UsageError, match="measure the run first"):
        analyse_run(evaluated_run)


def test_parts_are_kept_where_a_later_one_is_impossible(evaluated_run: Path) -> None:
    with pytest.raises(UsageError, match="--ood subj,trec"):
        analyse_run(evaluated_run, ["calibration", "ood"])
    assert set(read_results(evaluated_run)[0].analysis) == {"calibration"}


def test_one_example_is_refused(evaluated_run: Path) -> None:
    with pytest.raises(UsageError, match="at least 2 examples, not 1"):
        analyse_run(evaluated_run, examples=1)
