"""A small pre-norm Transformer encoder with the mean over tokens."""

import torch
from torch import Tensor, nn

from uegr.modeling.scratch.scratch_classifier import ScratchClassifier, ScratchConfig


class TransformerConfig(ScratchConfig):
    """Sizes of a `Transformer`."""

    model_type = "uegr-transformer"


class Layers(nn.Module):
    """From (B, T, d) to the mean state of the real tokens, (B, d); learned positions."""

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        self.positions = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        layer = nn.TransformerEncoderLayer(
            config.hidden_size,
            config.num_attention_heads,
            4 * config.hidden_size,
            config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.stack = nn.TransformerEncoder(layer, config.num_hidden_layers, enable_nested_tensor=False)

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        places = torch.arange(embeddings.shape[1], device=embeddings.device)
        states: Tensor = self.stack(embeddings + self.positions(places), src_key_padding_mask=~mask)
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1.0)


class Transformer(ScratchClassifier):
    """Attention-based sentence classifier."""

    config_class = TransformerConfig

    def make_encoder(self, config: ScratchConfig) -> nn.Module:
        return Layers(config)
