"""The model under evaluation reads every text, and each as if it were alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from datasets import Dataset
from scipy.special import softmax
from transformers import (
    ByT5Tokenizer,
    CanineTokenizer,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    LlamaForCausalLM,
    PreTrainedModel,
)

from conftest import tokenizer
from support.small_models import WORDS, bert, encoder_decoder, llama
from support.tokenizers_of_every_kind import make_tokenizer
from uegr.errors import UsageError
from uegr.evaluation import evaluated_model
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.truncated_texts import read_and_rest
from uegr.modeling.tokenizer_match import end_token_of_head

TEXTS = ["the good film and the great plot", "bad", "the dull actor", "fine scene and awful plot"]
GPT2 = GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=1, n_head=2, initializer_range=0.2, pad_token_id=0)


def reading(model: PreTrainedModel, side: str, kind: str, batch_size: int) -> EvaluatedModel:
    """The model, with a tokenizer that pads on this side."""
    words = tokenizer()
    words.padding_side = side
    words.model_input_names = ["input_ids", "attention_mask"]
    return EvaluatedModel(model, words, kind=kind, batch_size=batch_size)  # type: ignore[arg-type]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("model", [bert(), llama(), GPT2ForSequenceClassification(GPT2)], ids=["bert", "llama", "gpt2"])
def test_a_classifier_reads_each_text_as_if_alone(model: PreTrainedModel, side: str) -> None:
    rows = Dataset.from_dict({"text": TEXTS, "label": [1, 0, 0, 1]})
    alone, together = (reading(model, side, "classification", size) for size in (1, 4))
    np.testing.assert_allclose(together.outputs(rows)[0], alone.outputs(rows)[0], atol=1e-5)
    texts = [(text,) for text in TEXTS]
    np.testing.assert_allclose(together.logits_of(texts), alone.logits_of(texts), atol=1e-5)


def test_many_texts_are_tokenized_in_parts(evaluated: EvaluatedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [(text,) for text in [*TEXTS, "", *TEXTS[::-1]]]
    at_once = evaluated.logits_of(texts)
    monkeypatch.setattr(evaluated_model, "TOKENIZED_AT_ONCE", 4)
    np.testing.assert_array_equal(evaluated.logits_of(texts), at_once)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("model", [LlamaForCausalLM(llama().config), GPT2LMHeadModel(GPT2)], ids=["llama", "gpt2"])
def test_the_loss_of_a_language_model_is_the_mean_over_its_texts(model: PreTrainedModel, side: str) -> None:
    rows = Dataset.from_dict({"text": [" ".join(TEXTS)]})
    losses = []
    for size in (1, 4):
        evaluated = reading(model.eval(), side, "causal_lm", size)
        evaluated.cut_to(7)  # the last block is shorter and is padded in a batch
        batches = [batch for _, batch in evaluated.batches(rows)]
        with torch.no_grad():
            sums = [model(**batch).loss * (batch["labels"][:, 1:] != -100).sum() for batch in batches]
        losses.append(float(torch.stack(sums).sum()))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_text_is_cut_behind_the_last_word_that_is_read(evaluated: EvaluatedModel) -> None:
    cutting = copy.copy(evaluated)
    cutting.cut_to(6)
    assert read_and_rest(cutting, [("good good good good good good!",), ("good",)]) == [
        (("good good good good",), " good good!"),
        (("good",), ""),
    ]
    assert read_and_rest(cutting, [("good good good good\u200cgood good",)]) == [
        (("good good good good\u200cgood",), " good")
    ]
    assert read_and_rest(cutting, [("good", "bad bad bad bad")])[0] == (("good", "bad bad"), " bad bad")


def test_a_word_of_which_nothing_is_read_is_not_part_of_a_text(evaluated: EvaluatedModel) -> None:
    cutting = copy.copy(evaluated)
    cutting.cut_to(4)
    assert read_and_rest(cutting, [("good-good",), ("good good",)]) == [(("good-",), "good"), (("good good",), "")]


@pytest.mark.parametrize("make", [ByT5Tokenizer, CanineTokenizer])
def test_a_text_is_cut_there_without_offsets(make: type) -> None:
    tokenizer = make()
    alone, pairs = (
        EvaluatedModel(
            bert(), tokenizer, columns, max_length=12 + tokenizer.num_special_tokens_to_add(pair=len(columns) > 1)
        )
        for columns in (("text",), ("first", "second"))
    )
    assert read_and_rest(alone, [("good, filmy bad",), ("good, film bad",), ("good film!",), ("a" * 20,), ("",)]) == [
        (("good, filmy ",), "bad"),
        (("good, film bad",), ""),
        (("good film!",), ""),
        (("a" * 20,), ""),
        (("",), ""),
    ]
    assert read_and_rest(pairs, [("good film is good", "bad film, bad film"), ("good film is good", "bad")]) == [
        (("good film is good", "bad film"), ", bad film"),
        (("good film is good", "bad"), ""),
    ]


def test_a_language_model_needs_a_token_to_predict() -> None:
    words = tokenizer()
    words.backend_tokenizer.post_processor = None
    evaluated = EvaluatedModel(GPT2LMHeadModel(GPT2), words, kind="causal_lm")
    with pytest.raises(UsageError, match="only one token in all"):
        evaluated.outputs(Dataset.from_dict({"text": ["film"]}))


@pytest.mark.parametrize("texts", [[""], ["", "the film"]])
def test_a_text_without_tokens_is_read_as_padding(texts: list[str]) -> None:
    tokenizer = make_tokenizer("byte-level")
    tokenizer.backend_tokenizer.post_processor = None
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    model = llama()
    model.resize_token_embeddings(len(tokenizer))
    logits = EvaluatedModel(model, tokenizer).logits_of([(text,) for text in texts])
    assert logits.shape[0] == len(texts) and np.isfinite(logits).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_outputs_that_are_no_numbers_are_refused(bad: float) -> None:
    model = bert()
    model.classifier.bias.data[1] = bad
    evaluated = EvaluatedModel(model, tokenizer())
    with pytest.raises(UsageError, match="outputs are not numbers"):
        evaluated.outputs(Dataset.from_dict({"text": TEXTS, "label": [1, 0, 0, 1]}))
    with pytest.raises(UsageError, match="outputs are not numbers"):
        evaluated.logits_of([(text,) for text in TEXTS])


@pytest.mark.parametrize("kind", ["byte-level", "metaspace"])
@pytest.mark.parametrize("architecture", ["bart", "t5"])
def test_a_text_may_contain_the_end_token_that_the_head_looks_for(architecture: str, kind: str) -> None:
    """One text with "</s>" ended the prediction of all: "must have the same number of <eos> tokens"."""
    words = make_tokenizer(kind)
    evaluated = EvaluatedModel(encoder_decoder(architecture, words), words)
    texts = ["the [SEP] film", "the film", "[SEP][SEP]"]
    logits = evaluated.logits_of([(text,) for text in texts])
    np.testing.assert_allclose(logits[0], evaluated.logits_of([("the [ S E P ] film",)])[0], atol=1e-6)
    outputs, _ = evaluated.outputs(Dataset.from_dict({"text": texts, "label": [0, 1, 0]}))
    np.testing.assert_allclose(outputs, softmax(logits, axis=1), atol=1e-6)
    assert evaluated.reading(("text", "other")).logits_of([("a [SEP] film", "a plot"), ("a film", "a")]).shape == (2, 2)


def test_other_models_read_special_tokens_in_texts_as_before() -> None:
    words = make_tokenizer("byte-level")
    assert end_token_of_head(encoder_decoder("bart", words), words) == "[SEP]"
    assert end_token_of_head(bert(), words) is None
