from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from uegr.compare.result_slot import ResultSlot, latest_slots, name_of_plain, read_slots, text_of
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


@pytest.mark.parametrize("line", ["{", "[]", '{"task": "sst2"}', '"text"', '{"run": null, "rund": null}'])
def test_a_line_that_is_no_result_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(text_of([SLOT]) + line + "\n")
    with pytest.raises(UsageError, match=r"line 2 of .* remove the line"):
        read_slots(path)


def test_plain_is_known_by_its_method_and_not_by_its_name() -> None:
    assert name_of_plain([MISSING, SLOT]) == "base"
    assert name_of_plain([MISSING]) is None
