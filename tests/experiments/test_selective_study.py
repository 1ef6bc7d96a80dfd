"""The study of the selective update: experiments/selective_study.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from experiments.short_training import train_briefly
from experiments.theory_study import cells as theory_cells

from experiments import selective_study as study
from support.reviews import reviews, tokenizer
from support.small_models import bert
from uegr.data.encoding import encode
from uegr.data.task_data import TaskData
from uegr.methods.method_lookup import make_config


@pytest.fixture(scope="module")
def data() -> TaskData:
    splits = [Dataset.from_pandas(reviews(24, seed)).rename_column("text", "sentence") for seed in range(3)]
    return TaskData("reviews", *splits, ("sentence",), ("negative", "positive"))


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch, model_folder: Path, data: TaskData) -> Iterator[None]:
    """A model of two layers and 24 reviews, whatever the task."""
    for name, value in (("EMBEDDED_MODEL", str(model_folder)), ("BATCH", 8), ("MEASURED", 8)):
        monkeypatch.setattr(study, name, value)
    monkeypatch.setattr(study, "loaded", lambda task: data)
    monkeypatch.setattr(study, "tokenizer", tokenizer)
    study.first_model.cache_clear()
    yield
    study.first_model.cache_clear()


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("situation", study.SITUATIONS)
def test_one_cell_of_each_situation(situation: str) -> None:
    if situation == "LoRA":
        pytest.importorskip("peft", reason="LoRA needs peft")
    cell = next(cell for cell in study.cells() if cell.situation == situation and cell.method != study.PLAIN)
    measures = study.measured(cell)
    assert 0 <= measures["accuracy"] <= 1 and 0 < measures["weight_distance"] < 1
    assert ("lost" in measures) == (situation == "continual")
    assert ("eigenvalue" in measures) == (situation == "landscape")
    assert ("accuracy_imdb" in measures) == (situation == "other data")


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("method", study.BACKWARD)
def test_one_cell_of_each_method(method: str) -> None:
    cell = study.Cell("300 sentences", method, 0)
    measures = study.measured(cell)
    assert measures == study.measured(cell), "a cell is a function of its fields"
    assert measures["weight_distance"] > 0


def test_seeds_come_one_after_the_other() -> None:
    seeds = [cell.seed for cell in study.cells()]
    assert seeds == sorted(seeds) and len({*study.cells()}) == len(seeds)
    assert len([*theory_cells()]) == 60


def test_without_a_selection_the_update_is_that_of_plain(data: TaskData) -> None:
    """The rows of the tables differ in their backward stage only: they even have the same dropout masks."""
    encoded, weights = encode(data.train, tokenizer(), data.text_columns, 16), []
    for name, options in (("plain", {}), ("uegr", {**study.PLAIN_FORWARD, "p_min": 1.0})):
        model, config = bert(dropout=0.1).train(), make_config(name, options)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)  # Adam would scale the rounding of zero gradients up
        train_briefly(model, encoded, tokenizer(), config, optimizer, epochs=2, batch_size=8, seed=3)
        weights.append(model.state_dict())
    for name, weight in weights[0].items():
        torch.testing.assert_close(weight, weights[1][name], msg=name)


def test_wrong_labels_are_other_classes_drawn_with_the_seed(data: TaskData) -> None:
    three_classes = replace(data, label_names=("a", "b", "c"))
    wrong = study.with_wrong_labels(three_classes, 0.25, seed=1)
    differs = np.array(wrong.train["label"]) != np.array(data.train["label"])
    assert differs.sum() == 6 and max(wrong.train["label"]) <= 2
    assert wrong.train["label"] == study.with_wrong_labels(three_classes, 0.25, seed=1).train["label"]
    assert wrong.train["label"] != study.with_wrong_labels(three_classes, 0.25, seed=2).train["label"]
    assert wrong.test is data.test
