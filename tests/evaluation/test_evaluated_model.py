"""The model under evaluation reads every text."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from support.small_models import llama
from support.tokenizers_of_every_kind import make_tokenizer
from uegr.evaluation.evaluated_model import EvaluatedModel


def test_a_text_is_cut_behind_the_last_word_that_is_read(evaluated: EvaluatedModel) -> None:
    cutting = copy.copy(evaluated)
    cutting.cut_to(6)
    assert cutting.parts_of([("good good good good good good!",), ("good",)]) == [
        (("good good good good",), " good good!"),
        (("good",), ""),
    ]
    assert cutting.parts_of([("good", "bad bad bad bad")])[0] == (("good", "bad bad"), " bad bad")


@pytest.mark.parametrize("texts", [[""], ["", "the film"]])
def test_a_text_without_tokens_is_read_as_padding(texts: list[str]) -> None:
    tokenizer = make_tokenizer("byte-level")
    tokenizer.backend_tokenizer.post_processor = None
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    model = llama()
    model.resize_token_embeddings(len(tokenizer))
    logits = EvaluatedModel(model, tokenizer).logits_of([(text,) for text in texts])
    assert logits.shape[0] == len(texts) and np.isfinite(logits).all()
