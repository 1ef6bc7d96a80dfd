"""Named tasks are loaded from the package or the folder that has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from uegr.data.named_tasks import load_task, sources
from uegr.data.task_registry import TASKS
from uegr.modeling.metrics import CLASSIFICATION


def test_embedded_rotten_tomatoes_is_split_without_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    data = load_task("rotten_tomatoes")
    assert (len(data.train), len(data.validation), len(data.test)) == (6530, 1000, 1000)
    texts = [set(rows["sentence"]) for rows in (data.train, data.validation, data.test)]
    assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])
    assert np.mean(data.test["label"]) == pytest.approx(0.5)
    assert data.label_names == ("negative", "positive")
    assert load_task("rotten_tomatoes").test["sentence"][:5] == data.test["sentence"][:5]


def test_spam_in_its_package_is_the_corpus_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    data = load_task("sms_spam")
    assert (len(data.train), len(data.validation), len(data.test)) == (3890, 486, 486)
    assert sum(sum(rows["label"]) for rows in (data.train, data.validation, data.test)) == 642
    assert "package" in sources("sms_spam", TASKS["sms_spam"])


def test_local_folder_comes_first(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    data = load_task("rotten_tomatoes")
    assert (len(data.train), len(data.validation), len(data.test)) == (8530, 1066, 1066)


def test_the_77_intents_are_numbered_as_in_the_published_files(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    data = load_task("banking77")
    published = pq.read_table(data_folder / "banking77" / "test.parquet").to_pydict()
    assert [data.label_names[label] for label in data.test["label"]] == published["label_text"]
    assert (len(data.train), len(data.validation)) == (9003, 1000), "no validation split is published"
    assert set(data.validation["label"]) == set(range(77))


def test_a_model_that_never_says_offensive_scores_less_by_the_published_metric(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    data = load_task("tweeteval_offensive")
    labels = np.array(data.test["label"])
    constant = np.tile([1.0, 0.0], (len(labels), 1))
    scores = {name: CLASSIFICATION[name](constant, labels) for name in data.metrics}
    assert data.metrics[0] == "macro_f1"
    assert scores == pytest.approx({"macro_f1": 0.42, "accuracy": 0.72}, abs=0.005)
