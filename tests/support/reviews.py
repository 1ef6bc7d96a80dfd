"""Made-up film reviews, a tokenizer for them, and a model that has learned them."""

from __future__ import annotations

import pandas as pd
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from support.small_models import BAD, GOOD, WORDS, bert
from uegr.data.encoding import batches, encode
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.methods.registry import PlainConfig


def reviews(count: int, seed: int = 0) -> pd.DataFrame:
    """Made-up reviews whose words decide the label; the two labels take turns."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for i in range(count):
        words = GOOD if i % 2 else BAD
        picks = torch.randint(0, 3, (3,), generator=generator).tolist()
        filler = WORDS[10 + int(torch.randint(0, 6, (), generator=generator))]
        rows.append({"text": " ".join([*(words[j] for j in picks), filler]), "label": i % 2})
    return pd.DataFrame(rows)


def tokenizer() -> PreTrainedTokenizerFast:
    """One token per word of `WORDS`, with BERT's special tokens."""
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def learned(rows: Dataset, seed: int = 0) -> EvaluatedModel:
    """A small model that has learned its reviews."""
    model = bert(dropout=0.1, seed=seed).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    method = PlainConfig().attach(model=model, optimizer=optimizer, seed=seed)
    encoded = encode(rows, tokenizer(), ["text"], 32)
    for _ in range(12):
        for _, data in batches(encoded, tokenizer(), 16):
            method.loss(data).backward()
            method.optimizer.step()
            method.optimizer.zero_grad()
    return EvaluatedModel(model, tokenizer(), ["text"], batch_size=16)
