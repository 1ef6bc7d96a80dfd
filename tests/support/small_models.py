"""Models and batches so small that a test trains them in milliseconds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForSequenceClassification,
)

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "great", "fine", "bad", "awful", "dull"]
WORDS += ["film", "plot", "actor", "scene", "and", "the"]
"""The vocabulary of all small models; a token id is a position in this list."""
GOOD, BAD = WORDS[4:7], WORDS[7:10]


def bert(dropout: float = 0.1, labels: int = 2, seed: int = 0, **changes: Any) -> BertForSequenceClassification:
    """A BERT classifier of two layers, width 16; `changes` go to its configuration."""
    torch.manual_seed(seed)
    config = BertConfig(
        **{
            "vocab_size": len(WORDS),
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 40,
            "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout,
            "num_labels": labels,
            "initializer_range": 0.2,
            **changes,
        }
    )
    return BertForSequenceClassification(config)


def encoder_decoder(architecture: str, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A classifier of one layer, width 16, whose head looks for the separator; architecture: bart or t5."""
    torch.manual_seed(0)
    tokens = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.sep_token_id,
    }
    if architecture == "t5":
        sizes = {"num_layers": 1, "num_heads": 2, "d_ff": 32, "d_kv": 8}
        return T5ForSequenceClassification(T5Config(**tokens, **sizes, d_model=16, decoder_start_token_id=0))
    sides = ("encoder", "decoder")
    sizes = {f"{side}_{name}": count for side in sides for name, count in (("layers", 1), ("attention_heads", 2))}
    sizes |= {f"{side}_ffn_dim": 32 for side in sides}
    tokens |= {"decoder_start_token_id": tokenizer.sep_token_id, "forced_eos_token_id": None}
    return BartForSequenceClassification(
        BartConfig(**tokens, **sizes, d_model=16, max_position_embeddings=64, num_labels=2)
    )


def llama() -> LlamaForSequenceClassification:
    """A Llama classifier of two layers, width 16: it has no dropout module."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_labels=2,
        pad_token_id=0,
        initializer_range=0.2,
    )
    return LlamaForSequenceClassification(config)


class Linear(nn.Module):
    """A linear classifier on the mean of its token embeddings: closed forms hold for it."""

    def __init__(self, width: int = 6, dropout: float | None = None, labels: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(len(WORDS), width, padding_idx=0)
        self.dropout = nn.Identity() if dropout is None else nn.Dropout(dropout)
        self.head = nn.Linear(width, labels)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embedding

    def mean_embedding(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Mean embedding of the real tokens of each row, (B, d)."""
        mask = attention_mask.unsqueeze(-1).float()
        return (self.embedding(input_ids) * mask).sum(1) / mask.sum(1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=self.head(self.dropout(self.mean_embedding(input_ids, attention_mask))))


def batch(examples: int = 4, tokens: int = 7, seed: int = 0) -> dict[str, Tensor]:
    """Random token ids, some padding on the right, and labels 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(4, len(WORDS), (examples, tokens), generator=generator)
    lengths = torch.randint(2, tokens + 1, (examples, 1), generator=generator)
    lengths[0] = tokens
    mask = (torch.arange(tokens) < lengths).long()
    labels = torch.randint(0, 2, (examples,), generator=generator)
    return {"input_ids": ids * mask, "attention_mask": mask, "labels": labels}


def logits_of(model: nn.Module, data: dict[str, Tensor]) -> Tensor:
    """The logits of one ordinary call of the model."""
    logits: Tensor = model(input_ids=data["input_ids"], attention_mask=data["attention_mask"]).logits
    return logits


def gradients_of(model: nn.Module) -> list[Tensor | None]:
    """A copy of the gradient of every parameter, None where there is none."""
    return [None if parameter.grad is None else parameter.grad.clone() for parameter in model.parameters()]


def weights_of(model: nn.Module) -> list[Tensor]:
    """A copy of every parameter."""
    return [parameter.detach().clone() for parameter in model.parameters()]


def hook_count(model: nn.Module) -> int:
    """The number of forward hooks in the model."""
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def recompute_activations(model: PreTrainedModel, *, use_reentrant: bool = False) -> None:
    """Turn gradient checkpointing on, by the name that this version of transformers has for it."""
    name = "activation_checkpointing_enable"
    if not hasattr(model, name):  # transformers before 5.23
        name = "gradient_checkpointing_enable"
    getattr(model, name)({"use_reentrant": use_reentrant})
