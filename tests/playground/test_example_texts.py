"""Examples come from the test data of a run, with their true classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import train_weights
from support.playground_models import models_of_page
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.playground.example_texts import COUNT, draw_examples
from uegr.playground.playground_models import open_models


def test_examples_are_rows_of_the_test_data(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    train_weights("plain", train_file, model_folder, tmp_path / "run", "--max_steps", "1")
    models = open_models([tmp_path / "run"])
    examples = draw_examples(models)
    test = models.classifiers[0].labelled_rows(None, "test")
    known = {(text, str(label)) for text, label in zip(test["text"], test["label"], strict=True)}
    assert len(examples) == min(COUNT, len(test["text"]))
    assert {(text, label) for (text,), label in examples} <= known
    assert draw_examples(models) == examples
    train_file.unlink()
    assert draw_examples(models) == []
    with pytest.raises(UsageError, match="was trained on the columns text: name 1 columns of text"):
        open_models([tmp_path / "run"], "text", "other")


def test_a_checkpoint_has_no_examples(evaluated: EvaluatedModel) -> None:
    assert draw_examples(models_of_page(evaluated)) == []
