"""What is wrong with a batch is said in one sentence, whatever the model would have said."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2ForSequenceClassification

from support.small_models import WORDS, Linear, batch, bert
from uegr.errors import UsageError
from uegr.methods.method import Method
from uegr.methods.method_lookup import make_config


def attached(name: str, model: nn.Module | None = None) -> Method:
    model = bert() if model is None else model
    return make_config(name).attach(model=model.train(), optimizer=torch.optim.SGD(model.parameters(), lr=0.1))


DATA = batch()
IDS = DATA["input_ids"]
FAULTY: dict[str, tuple[Any, str]] = {
    "tuple": (
        tuple(DATA.values()),
        "a batch must be a dict of the model's inputs and 'labels', not an object of tuple",
    ),
    "none": (None, "a batch must be a dict"),
    "text": ("labels", "a batch must be a dict"),
    "tensor": (IDS, "a batch must be a dict"),
    "no labels": ({"input_ids": IDS, "label": DATA["labels"]}, "the batch holds no 'labels'"),
    "lists": ({**DATA, "input_ids": IDS.tolist()}, "call the tokenizer with return_tensors='pt'"),
    "arrays": ({**DATA, "input_ids": IDS.numpy()}, "call the tokenizer with return_tensors='pt'"),
    "floats": (
        {**DATA, "input_ids": IDS.float()},
        r"input_ids must be whole numbers, not float32: write input_ids\.long",
    ),
    "one text": ({**DATA, "input_ids": IDS[0], "attention_mask": None}, r"one text and not a batch: write .*unsqueeze"),
    "no examples": ({key: values[:0] for key, values in DATA.items()}, "leave out batches without examples"),
    "another mask": ({**DATA, "attention_mask": torch.ones(4, 5).long()}, "pad both to the same length"),
    "unknown tokens": (
        {**DATA, "input_ids": IDS + 100},
        r"tokens from 100 to .* has embeddings for 16: use the model's",
    ),
    "long texts": (
        batch(2, 60),
        "texts of 60 tokens and BertForSequenceClassification reads at most 40: cut them with",
    ),
    "one-hot": ({**DATA, "labels": torch.eye(2).long()[DATA["labels"]]}, r"labels\.argmax\(-1\)"),
}


@pytest.mark.parametrize("fault", FAULTY)
@pytest.mark.parametrize("name", ["plain", "uegr"])
def test_a_batch_that_does_not_fit_is_named(name: str, fault: str) -> None:
    data, message = FAULTY[fault]
    method = attached(name)
    with pytest.raises(UsageError, match=message):
        method.loss(data)
    with torch.no_grad(), pytest.raises(UsageError, match=message):
        method.loss(data)


@pytest.mark.parametrize("fault", FAULTY)
def test_a_batch_of_the_pass_before_training_is_named_too(fault: str) -> None:
    data, message = FAULTY[fault]
    with pytest.raises(UsageError, match=message):
        attached("roast").prepare([data])


def test_embeddings_in_place_of_tokens_train_by_methods_that_do_not_move_them() -> None:
    data = {"inputs_embeds": torch.randn(4, 7, 16), "labels": DATA["labels"]}
    attached("r-drop").loss(data).backward()
    with pytest.raises(UsageError, match="give their ids in place of embeddings"):
        attached("uegr").loss(data)


def test_a_column_that_the_model_does_not_take_is_named() -> None:
    with pytest.raises(UsageError, match="the forward of Linear does not take 'idx': leave that column out"):
        attached("plain", Linear()).loss({**batch(), "idx": torch.arange(4)})


@pytest.mark.parametrize("name", ["plain", "uegr"])
def test_a_decoder_without_a_padding_token_is_told_to_name_one(name: str) -> None:
    model = GPT2ForSequenceClassification(GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=1, n_head=2))
    with pytest.raises(UsageError, match=r"set model\.config\.pad_token_id"):
        attached(name, model).loss(batch())


def test_an_error_of_the_model_itself_stays_what_it_is() -> None:
    class Broken(Linear):
        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            raise IndexError("of its own")

    with pytest.raises(IndexError, match="of its own"):
        attached("pgd", Broken()).loss(batch())


def test_a_model_that_is_not_the_attached_one_is_refused() -> None:
    method = attached("uegr")
    with pytest.raises(UsageError, match="holds no weight of the attached one"):
        method.loss(batch(), model=bert(seed=1))
    with pytest.raises(UsageError, match=r"model must be a torch\.nn\.Module"):
        method.loss(batch(), model="bert")  # type: ignore[arg-type]


@pytest.mark.parametrize("batches", [[], iter([])])
def test_a_pass_before_training_over_nothing_is_refused(batches: Any) -> None:
    with pytest.raises(UsageError, match="there was no batch: give a loader"):
        attached("roast").prepare(batches)


@pytest.mark.parametrize("steps", ["2", 1.5, None])
def test_batches_per_step_are_a_whole_number(steps: Any) -> None:
    with pytest.raises(UsageError, match="accumulation_steps must be a whole number"):
        attached("roast").prepare([batch()], accumulation_steps=steps)
