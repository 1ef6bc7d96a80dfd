from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.sample_runs import RUN, full_entry, samples
from uegr.errors import UsageError
from uegr.runs.evaluation_notes import leakage_line
from uegr.runs.run_result import RunResult
from uegr.runs.run_table import terminal_table
from uegr.runs.transfer_summary import transfer_table

ROOT = Path(__file__).parents[2]


def committed_entries() -> dict[str, list[dict[str, Any]]]:
    """Entries of results.json by where they were written: example runs, and the results of grids."""
    entries = {
        str(path.relative_to(ROOT)): json.loads(path.read_text())["runs"]
        for path in sorted(ROOT.glob("docs/example/runs/*/results.json"))
    }
    for path in sorted(ROOT.glob("experiments/results/*.jsonl")):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        runs = [line["run"] for line in lines if line.get("run")]
        # Runs of an early search measured no cost of a step; nothing reads them but the page of their search.
        entries[str(path.relative_to(ROOT))] = [run for run in runs if run["cost"]["flop_ratio"] is not None]
    return entries


def test_committed_results_are_read_and_written_back_the_same() -> None:
    files = committed_entries()
    assert any("example" in name for name in files)
    assert sum(map(len, files.values())) > 100
    added = {"text_attacks", "embedding_attacks", "analysis", "transfer"}
    for name, entries in files.items():
        for entry in entries:
            written = RunResult.from_dict(entry, name).to_dict()
            assert written == entry, name
            assert [key for key in written if key not in added] == [key for key in entry if key not in added], name
            assert list(written["robustness"]) == list(entry["robustness"]), name
            for part in ("text_attacks", "embedding_attacks"):
                for new, old in zip(written.get(part, []), entry.get(part, []), strict=True):
                    assert list(new) == list(old), name


def test_what_a_later_version_adds_is_kept() -> None:
    entry = {**full_entry(), "carbon": 1.5}
    entry["cost"] = {**entry["cost"], "joules": 3.0}
    written = RunResult.from_dict(entry).to_dict()
    assert written["carbon"] == 1.5
    assert written["cost"]["joules"] == 3.0


def test_the_first_version_named_no_metric() -> None:
    assert RunResult.from_dict(RUN).metric == "accuracy"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("uegr", "holds 'uegr' instead of a run"),
        ({name: value for name, value in RUN.items() if name != "cost"}, "lacks cost"),
        ({**RUN, "robustness": {"epsilons": [0.1], "accuracy": []}}, "robustness.accuracy"),
        ({**RUN, "cost": {"seconds": 1.0, "flop_ratio": "x"}}, "holds 'x' as cost.flop_ratio"),
        ({**RUN, "metric": "pearson"}, "lacks metrics.pearson"),
        ({**RUN, "metric": "m2", "metrics": {"m2": 0.5}}, "names the metric 'm2', which this version of uegr"),
    ],
)
def test_what_is_missing_is_named(entry: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunResult.from_dict(entry, "results.json")


def values_of(part: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a JSON object; of lists only that of the first."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from [(*place, name), *values_of(value, (*place, name))]
    elif isinstance(part, list) and part:
        yield from [(*place, 0), *values_of(part[0], (*place, 0))]


@pytest.mark.parametrize("value", ["x", None, [], {"a": 1}, ...])
def test_a_value_of_another_type_is_refused_or_harmless_however_deep(value: Any) -> None:
    """`...` removes the value."""
    refused = []
    for *parents, last in values_of(full_entry()):
        entry = full_entry()
        part = functools.reduce(operator.getitem, parents, entry)
        if value is ...:
            del part[last]
        else:
            part[last] = value
        try:
            result = RunResult.from_dict(json.loads(json.dumps(entry)), "results.json")
        except UsageError as error:
            refused.append(str(error))
        else:
            terminal_table([result])
            transfer_table(result)
            assert leakage_line(result)
    assert len(refused) > 50
    assert all(message.endswith(": measure again with uegr evaluate.") for message in refused)


def test_the_place_of_a_value_of_another_type_is_named() -> None:
    entry = {**RUN, "text_attacks": [{"attack": "typos", "accuracy": "x"}]}
    with pytest.raises(UsageError, match=r"'mine.json' holds 'x' as text_attacks\[0\].accuracy: measure again"):
        RunResult.from_dict(entry, "mine.json")


def test_labels_tell_runs_apart_and_no_more() -> None:
    pair = samples(options={"epsilon": 0.1}, seed=3)
    assert [run.label(pair) for run in pair] == ["plain, seed 0", "uegr (epsilon 0.1), seed 3"]
