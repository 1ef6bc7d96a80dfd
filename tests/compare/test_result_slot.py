from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from support.sample_runs import RUN
from uegr.compare.result_slot import ResultSlot, check_runs, latest_of, latest_slots, name_of_plain, read_slots, text_of
from uegr.errors import UsageError

SLOT = ResultSlot("sst2", "bert", "base", 0, {"method": "plain", "train.seed": 0}, {"metrics": {"accuracy": 0.9}})
MISSING = replace(SLOT, method="uegr", content={"method": "uegr"}, run=None)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    assert read_slots(path) == []
    path.write_text(text_of([SLOT, MISSING]))
    assert read_slots(path) == [SLOT, MISSING]
    assert len(path.read_text().splitlines()) == 2


def test_of_several_lines_the_last_counts_in_the_place_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    later = replace(SLOT, run={"metrics": {"accuracy": 0.8}})
    path.write_text(text_of([SLOT, MISSING, later]))
    assert latest_slots(path) == [later, MISSING]


def test_runs_of_earlier_settings_are_left_out() -> None:
    """One epoch with two seeds, then five epochs with one seed: their mean is the result of no setting."""
    seeds = [
        replace(SLOT, seed=seed, content={**SLOT.content, "train.seed": seed, "train.epochs": 1}) for seed in (0, 1)
    ]
    later = replace(SLOT, content={**SLOT.content, "train.epochs": 5})
    assert latest_of([*seeds, later]) == [later]
    assert latest_of([*seeds, replace(later, run=None)]) == [replace(later, run=None), seeds[1]], "nothing is there yet"
    older = replace(seeds[1], content={"method": "plain", "train.seed": 1})
    assert latest_of([older, later]) == [older, later], "a version without the option recorded it"
    paths = [
        replace(later, content={"data.train_file": f"/{i}", "data.train_file.sha256": "a", "train.seed": i})
        for i in (0, 1)
    ]
    moved = [replace(slot, seed=i) for i, slot in enumerate(paths)]
    assert latest_of(moved) == moved, "the same file in another folder"
    other = replace(later, method="uegr")
    assert latest_of([*seeds, other]) == [*seeds, other], "each method has settings of its own"


@pytest.mark.parametrize("line", ["{", "[]", '{"task": "sst2"}', '"text"', '{"run": null, "rund": null}'])
def test_a_line_that_is_no_result_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(text_of([SLOT]) + line + "\n")
    with pytest.raises(UsageError, match=r"line 2 of .* remove the line"):
        read_slots(path)


def test_plain_is_known_by_its_method_and_not_by_its_name() -> None:
    assert name_of_plain([MISSING, SLOT]) == "base"
    assert name_of_plain([MISSING]) is None


@pytest.mark.parametrize("changes", [{"seed": "x"}, {"content": []}, {"task": None}, {"run": 5}])
def test_a_field_of_another_type_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(text_of([SLOT]) + json.dumps({**asdict(SLOT), **changes}) + "\n")
    with pytest.raises(UsageError, match=r"line 2 of .*holds .* as .*remove the line"):
        read_slots(path)


def test_a_run_that_cannot_be_compared_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(text_of([MISSING, replace(SLOT, run=RUN)]))
    check_runs(read_slots(path), path)
    path.write_text(text_of([MISSING, replace(SLOT, run={**RUN, "metrics": {"accuracy": "x"}})]))
    with pytest.raises(UsageError, match=r"line 2 of .*holds 'x' as metrics.accuracy.*remove the line"):
        check_runs(read_slots(path), path)
