"""Names and folders of models."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest
from transformers import XLNetConfig, XLNetLMHeadModel

from conftest import tokenizer
from uegr.errors import UsageError
from uegr.modeling.model_loading import load_model, load_trained, name_or_folder


def test_a_hub_name_has_slashes_on_windows_too() -> None:
    assert str(PureWindowsPath("org/model")) == "org\\model"
    assert name_or_folder(PureWindowsPath("org/model")) == "org/model"
    with pytest.raises(UsageError, match="^model 'org/model' was found neither as a folder nor on a hub"):
        load_trained(PureWindowsPath("org/model"))


def test_a_folder_stays_as_it_is(tmp_path: Path) -> None:
    assert name_or_folder(tmp_path) == str(tmp_path)


def test_a_model_that_predicts_no_next_token_is_no_causal_model(tmp_path: Path) -> None:
    XLNetLMHeadModel(XLNetConfig(vocab_size=20, d_model=16, n_layer=1, n_head=2, d_inner=16)).save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="does not predict the next token: name a causal model"):
        load_model(str(tmp_path), "causal_lm", [], 0, tokenizer())
