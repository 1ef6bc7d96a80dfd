"""TextCNN (Kim 2014, arXiv 1408.5882): convolutions of several widths over the embeddings, max over time."""

import torch
from torch import Tensor, nn

from uegr.modeling.scratch.scratch_classifier import ScratchClassifier, ScratchConfig

WIDTHS = (3, 4, 5)


class TextCNNConfig(ScratchConfig):
    """Sizes of a `TextCNN`; dropout 0.5 as published."""

    model_type = "uegr-textcnn"

    dropout: float = 0.5


class Convolutions(nn.Module):
    """From (B, T, d) to the strongest response of each filter, (B, 3d); a window that overlaps padding sees zeros."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.filters = nn.ModuleList(nn.Conv1d(width, width, size, padding=size - 1) for size in WIDTHS)

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        signal = (embeddings * mask.unsqueeze(-1)).transpose(1, 2)
        lengths = mask.sum(dim=1, keepdim=True).unsqueeze(1)
        responses = []
        for filters, size in zip(self.filters, WIDTHS, strict=True):
            response = filters(signal).relu()
            # The maximum must not depend on windows that lie in the padding only.
            inside = torch.arange(response.shape[-1], device=response.device) < lengths + size - 1
            responses.append(response.masked_fill(~inside, 0.0).amax(dim=-1))
        return torch.cat(responses, dim=-1)


class TextCNN(ScratchClassifier):
    """Convolutional sentence classifier."""

    config_class = TextCNNConfig

    def make_encoder(self, config: ScratchConfig) -> nn.Module:
        return Convolutions(config.hidden_size)

    def features(self, config: ScratchConfig) -> int:
        return config.hidden_size * len(WIDTHS)
