from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import reviews
from test_doors import run
from uegr.data.label_maps import FAMILIES, label_map
from uegr.data.task_registry import TASKS
from uegr.errors import UsageError

NLI = ("entailment", "neutral", "contradiction")


def test_every_class_of_a_family_is_declared() -> None:
    for name, task in TASKS.items():
        if task.family and task.labels:
            assert {*task.labels} <= {*FAMILIES[task.family]}, name


def test_three_classes_are_scored_on_two() -> None:
    found = label_map(NLI, ("entailment", "not_entailment"), ("nli", "nli"))
    assert found.names == ("entailment", "not_entailment")
    given = np.array([[0.4, 0.3, 0.3], [0.6, 0.1, 0.3]])
    assert found.probabilities(given) == pytest.approx(np.array([[0.4, 0.6], [0.6, 0.4]]))
    assert found.labels(np.array([0, 1])).tolist() == [0, 1]


def test_two_classes_are_scored_on_three() -> None:
    found = label_map(("not_entailment", "entailment"), NLI, ("nli", "nli"))
    assert found.names == ("entailment", "not_entailment")
    assert found.probabilities(np.array([[0.9, 0.1]])) == pytest.approx(np.array([[0.1, 0.9]]))
    assert found.labels(np.array([0, 1, 2])).tolist() == [0, 1, 1]


def test_same_classes_in_another_order_are_matched_by_name() -> None:
    found = label_map(("b", "a"), ("a", "b"), (None, None))
    assert found.probabilities(np.array([[0.9, 0.1]])) == pytest.approx(np.array([[0.1, 0.9]]))


def test_a_class_without_counterpart_is_left_out_on_both_sides() -> None:
    five = TASKS["sst5"].labels
    found = label_map(five, ("negative", "positive"), ("sentiment", "sentiment"))
    assert found.probabilities(np.array([[0.1, 0.1, 0.6, 0.1, 0.1]])) == pytest.approx(np.array([[0.5, 0.5]]))
    assert label_map(("negative", "positive"), five, ("sentiment",) * 2).labels(np.arange(5)).tolist() == [
        0,
        0,
        -1,
        1,
        1,
    ]


def test_what_nobody_declared_is_refused_and_what_the_user_declares_is_done() -> None:
    with pytest.raises(UsageError, match="declare it with --label_map"):
        label_map(("0", "1"), ("negative", "positive"), (None, "sentiment"))
    with pytest.raises(UsageError, match="declare it with --label_map"):
        label_map(("negative", "positive"), NLI, ("sentiment", "nli"))
    found = label_map(("1", "3", "5"), ("negative", "positive"), (None, None), {"1": "negative", "5": "positive"})
    assert found.source == (0, None, 1)
    with pytest.raises(UsageError, match="'9', which the model does not have"):
        label_map(("1", "5"), ("negative", "positive"), (None, None), {"9": "negative"})
    with pytest.raises(UsageError, match="'good', which the task does not have"):
        label_map(("1", "5"), ("negative", "positive"), (None, None), {"1": "good"})


def test_run_is_measured_on_another_task_from_the_command_line(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of the ten texts of "cr" are in the training file, one of them rewritten a little."""
    frame = reviews(60)
    frame.to_csv(tmp_path / "mine.csv", index=False)
    run_folder, data = str(tmp_path / "run"), tmp_path / "data"
    (data / "cr").mkdir(parents=True)
    unknown = [f"never seen words number {i} stand here" for i in range(8)]
    held = ["one long text that is in the training file and not in the others", "of ten words or so"]
    frame.loc[[0, 2], "text"] = held
    frame.to_csv(tmp_path / "mine.csv", index=False)
    frame.to_csv(tmp_path / "held.csv", index=False)
    leaked = [held[0].replace("others", "other"), held[1].upper()]
    test = pd.DataFrame({"sentence": unknown + leaked, "label": [0, 1] * 5})
    test.to_parquet(data / "cr" / "test.parquet")
    monkeypatch.setenv("UEGR_DATA", str(data))
    files = ["--train_file", str(tmp_path / "mine.csv"), "--validation_file", str(tmp_path / "held.csv")]
    files += ["--test_file", str(tmp_path / "held.csv"), "--model_name_or_path", str(model_folder)]
    assert run(["train", *files, "--method", "plain", "--max_steps", "2", "--output_dir", run_folder]) == 0
    quick = ["--attack_examples", "4", "--epsilons", "0,0.1"]
    assert run(["evaluate", run_folder, "--on", "cr", *quick]) == 2
    assert "--label_map" in capsys.readouterr().err
    assert run(["evaluate", run_folder, "--on", "cr", "--label_map", "0=negative,1=positive"]) == 0
    out = capsys.readouterr().out
    assert "of 8" in out
    assert "of 60 test texts 60 are in the training data" in " ".join(out.split())
    entry = json.loads((tmp_path / "run" / "results.json").read_text())["runs"][0]
    assert entry["robustness"]["examples"] == 4, "a measured run is not measured again"
    (found,) = entry["transfer"]
    assert found["leakage"] == {"examples": 10, "exact": 1, "near": 2, "similarity": 0.6}
    assert found["unseen"]["examples"] == 8
    assert found["label_map"]["model"] == {"0": "negative", "1": "positive"}
    assert 0 <= found["metrics"]["accuracy"] <= 1
