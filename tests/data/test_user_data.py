"""A user's own data, from files, data sets and frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset, DatasetDict

from conftest import reviews
from uegr.data.task_data import TaskData
from uegr.data.user_data import load_files
from uegr.errors import UsageError
from uegr.runs.evaluate import evaluate_run
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig


def finding_counts(data: TaskData) -> dict[str, int]:
    return {finding.kind: finding.count for finding in data.findings}


@pytest.mark.parametrize("kind", ["path", "frame", "dataset"])
def test_path_frame_and_dataset_give_the_same_task(kind: str, tmp_path: Path) -> None:
    frame = reviews(60)
    frame.to_csv(tmp_path / "a.csv", index=False)
    rows = {"path": tmp_path / "a.csv", "frame": frame, "dataset": Dataset.from_pandas(frame)}[kind]
    data = load_files(rows)
    assert data.train["text"][:] == load_files(frame).train["text"][:]
    assert (len(data.train), len(data.validation), len(data.test)) == (49, 5, 6)
    assert sorted(data.class_counts.values()) == [24, 25]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([1, 2], "cannot read rows from an object of list: give a path"),
        (DatasetDict(train=Dataset.from_dict({"text": ["a"]})), r"the data has splits \(train\): give one of them"),
    ],
)
def test_what_holds_no_rows_is_refused(rows: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_files(rows)


def test_flaws_are_counted_one_line_each() -> None:
    texts = [f"text number {i}" for i in range(40)] + ["TEXT number 3!", "text number 4"]
    frame = pd.DataFrame({"text": texts, "label": ["ham"] * 38 + ["spam"] * 4})
    frame.loc[0, "text"] = " "
    data = load_files(frame, frame[5:9], frame[10:12], drop_empty=True)
    assert finding_counts(data) == {"empty": 1, "repeats": 2, "duplicates": 2, "imbalance": 4}
    assert [finding.count for finding in data.findings if finding.kind == "duplicates"] == [4, 2]
    assert all("\n" not in str(finding) for finding in data.findings)


def test_rows_that_are_all_empty_are_refused() -> None:
    empty = pd.DataFrame({"text": [" "] * 20, "label": ["ham", "spam"] * 10})
    with pytest.raises(UsageError, match="every row is empty in column 'text': name the column of the texts"):
        load_files(empty, drop_empty=True)


def test_run_on_a_frame_is_evaluated_on_the_same_frame(model_folder: Path, tmp_path: Path) -> None:
    data = load_files(reviews(40), name="my reviews")
    cost = {"flop_ratio": 1.0, "time_ratio": 1.0, "seconds": 1.0}
    config = RunConfig(model=str(model_folder), method="plain", max_steps=2, precision="fp32")
    train_run(config, tmp_path / "run", data=data, cost=cost)
    result = evaluate_run(tmp_path / "run", data=data, epsilons=(0.0,))
    assert (result.task, result.test_examples) == ("my reviews", len(data.test))
    with pytest.raises(UsageError, match="pass the same data again"):
        evaluate_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("factor", "message"), [(1.0, None), (1e-5, "multiply them"), (0.0, "there is nothing to learn")]
)
def test_numbers_that_are_too_close_together_are_reported(factor: float, message: str | None) -> None:
    """AdamW's epsilon is not small beside gradients that are in proportion to their variance."""
    frame = pd.DataFrame({"text": [f"text number {i}" for i in range(40)], "label": [i * factor for i in range(40)]})
    data = load_files(frame, kind="regression")
    assert finding_counts(data) == ({"spread": len(data.train)} if message else {})
    assert message is None or message in str(data.findings[-1])
