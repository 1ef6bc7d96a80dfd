"""Models of texts that are opened by a folder or a hub name."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import Any

import pandas as pd
import pytest
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
    ModernBertConfig,
)

from conftest import tokenizer
from support.small_models import WORDS, bert
from uegr.atomic_files import write_json
from uegr.errors import UsageError
from uegr.runs import open_classifier
from uegr.runs.open_classifier import open_model
from uegr.runs.run_folder import RUN, read_run

SPECIAL = {"pad_token_id": 0, "bos_token_id": 2, "cls_token_id": 2, "sep_token_id": 3, "eos_token_id": 3}
CONFIGS = [
    bert().config,
    ModernBertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        **SPECIAL,
    ),
]


def test_model_and_tokenizer_of_a_hub_name_are_asked_for_with_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the string of Path("org/model") has a backslash."""
    path: Any = PureWindowsPath("org/model")

    class AskedError(Exception): ...

    def load_tokenizer(name: str, **_: Any) -> None:
        raise AskedError(name)

    monkeypatch.setattr(open_classifier, "load_trained", lambda _path, **_: None)
    monkeypatch.setattr(open_classifier, "load_tokenizer", load_tokenizer)
    with pytest.raises(AskedError, match="^org/model$"):
        open_classifier._checkpoint(path, batch_size=1, trust_remote_code=False)


@pytest.mark.parametrize("config", CONFIGS, ids=["bert", "modernbert"])
@pytest.mark.parametrize(
    ("auto", "title"),
    [
        (AutoModelForTokenClassification, "token classification"),
        (AutoModelForQuestionAnswering, "question answering"),
        (AutoModelForMultipleChoice, "multiple choice"),
    ],
)
def test_a_model_with_another_head_is_refused_by_name(config: Any, auto: Any, title: str, tmp_path: Path) -> None:
    """The weights of ModernBERT's heads have the same names, and a tagger gave texts the label of a word."""
    auto.from_config(config).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=f"is a model for {title}: name one for text classification"):
        open_model(tmp_path)


@pytest.mark.parametrize(("own", "given", "column"), [("stars", None, "stars"), ("stars", "label", "label")])
def test_the_label_of_a_file_is_in_the_column_that_the_run_was_trained_on(
    own: str, given: str | None, column: str, evaluated_run: Path, tmp_path: Path
) -> None:
    record = read_run(evaluated_run)
    record["config"]["data"]["label_column"] = own
    write_json(evaluated_run / RUN, record)
    opened = open_model(evaluated_run)
    (text_column,) = opened.evaluated.text_columns
    pd.DataFrame({text_column: ["a film", "a plot"], column: opened.names}).to_csv(tmp_path / "a.csv", index=False)
    assert opened.labelled_rows(tmp_path / "a.csv", "test", given)["label"][:] == [0, 1]
