"""The base of the classifiers from scratch: a configuration, embeddings, and a linear head."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class ScratchConfig(PreTrainedConfig):
    """Sizes of a model from scratch.

    Args:
        vocab_size: tokens of its tokenizer.
        hidden_size: width of embeddings and layers.
        num_hidden_layers, num_attention_heads: of the models that have them.
        dropout: rate of every dropout layer.
        max_position_embeddings: longest text in tokens.
    """

    vocab_size: int = 8000
    hidden_size: int = 128
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    dropout: float = 0.1
    max_position_embeddings: int = 512
    pad_token_id: int = 0


class ScratchClassifier(PreTrainedModel, ABC):
    """Token embeddings, the encoder of a subclass, dropout and a linear head."""

    config_class: type[ScratchConfig] = ScratchConfig
    config: ScratchConfig

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        self.loss_type = "ForSequenceClassification"
        self.embeddings: nn.Module = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=0)
        self.encoder = self.make_encoder(config)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(self.features(config), int(config.num_labels or 2))
        self.post_init()  # type: ignore[no-untyped-call]

    @abstractmethod
    def make_encoder(self, config: ScratchConfig) -> nn.Module:
        """A module from embeddings (B, T, d) and a mask (B, T), True on real tokens, to features (B, f)."""

    def features(self, config: ScratchConfig) -> int:
        """Number f of features of the encoder."""
        return config.hidden_size

    def get_input_embeddings(self) -> nn.Module:
        return self.embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.embeddings = value

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **_: Any
    ) -> SequenceClassifierOutput:
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        features = self.encoder(self.dropout(self.embeddings(input_ids)), mask.bool())
        logits = self.classifier(self.dropout(features))
        loss = None
        if labels is not None:
            loss = self.loss_function(labels=labels, pooled_logits=logits, config=self.config)
        return SequenceClassifierOutput(loss=loss, logits=logits)
