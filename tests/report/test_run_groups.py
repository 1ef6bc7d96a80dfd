"""Which runs are the seeds of one group."""

from __future__ import annotations

import copy
from dataclasses import replace

from support.sample_runs import sample
from uegr.report.run_groups import group_runs


def test_runs_with_other_settings_are_no_seeds_of_one_group() -> None:
    slow, fast = (sample(method="plain"), sample(method="plain"))
    slow, fast = replace(slow, settings={"learning_rate": 1e-5}), replace(fast, settings={"learning_rate": 1e-4})
    groups = group_runs([slow, fast, replace(fast, seed=slow.seed + 1)])
    assert [group.label for group in groups] == ["plain, learning_rate 1e-05", "plain, learning_rate 0.0001"]
    assert [len(group.runs) for group in groups] == [1, 2]


def test_a_second_run_of_a_seed_is_not_a_second_seed() -> None:
    """Without a run.json beside results.json nothing else tells them apart."""
    first = sample(method="plain")
    groups = group_runs([first, replace(first, seed=first.seed + 1), copy.deepcopy(first)])
    assert [(group.label, len(group.runs)) for group in groups] == [("plain", 2), ("plain, run 2", 1)]


def test_runs_trained_on_other_files_are_no_seeds_of_one_group() -> None:
    runs = [
        replace(sample(method="plain", seed=seed), settings={"train_file": digest})
        for seed, digest in enumerate(["12ab", "34cd", "12ab"])
    ]
    groups = group_runs(runs)
    assert [(group.label, group.seeds) for group in groups] == [
        ("plain, train_file 12ab", "seeds 0, 2"),
        ("plain, train_file 34cd", "seed 1"),
    ]
