"""What lengths alone say about classes."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from support.sample_runs import sample
from uegr.evaluation.length_baseline import measure_length_baseline
from uegr.runs.evaluation_notes import length_line


def rows(longer: int, seed: int, classes: int = 2) -> Dataset:
    """Texts of which those of a higher class have more words on average."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, 400)
    lengths = 10 + longer * labels + generator.integers(0, 10, 400)
    return Dataset.from_dict({"text": ["word " * int(n) for n in lengths], "label": labels.tolist()})


def test_lengths_that_tell_the_class_and_lengths_that_do_not() -> None:
    telling = measure_length_baseline(rows(20, 0), rows(20, 1), ["text"])
    assert telling == {"accuracy": 1.0, "auc": 1.0}
    silent = measure_length_baseline(rows(0, 0), rows(0, 1), ["text"])
    assert silent is not None
    assert silent["auc"] == pytest.approx(0.5, abs=0.08)
    assert "reaches 100.0 % accuracy (AUC 1.00)" in length_line(sample(length_baseline=telling))
    assert not length_line(sample(length_baseline=silent)) and not length_line(sample())


def test_several_classes_and_pairs() -> None:
    three = measure_length_baseline(rows(20, 0, 3), rows(20, 1, 3), ["text", "text"])
    assert three is not None
    assert three["auc"] > 0.9


def test_a_class_that_is_missing_is_no_error() -> None:
    assert measure_length_baseline(rows(5, 0), rows(5, 1, 1), ["text"]) is None
