"""A bidirectional LSTM with the maximum over time."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from uegr.modeling.scratch.scratch_classifier import ScratchClassifier, ScratchConfig


class BiLSTMConfig(ScratchConfig):
    """Sizes of a `BiLSTM`."""

    model_type = "uegr-bilstm"


class Recurrence(nn.Module):
    """From (B, T, d) to the maximum over real time steps of both directions, (B, d)."""

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.lstm = nn.LSTM(width, width // 2, config.num_hidden_layers, batch_first=True, bidirectional=True)

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        # Packed, so that the backward direction starts at the last real token and not in the padding.
        lengths = mask.sum(dim=1).clamp_min(1).cpu()
        packed = pack_padded_sequence(embeddings, lengths, batch_first=True, enforce_sorted=False)
        with nullcontext() if self.lstm.training else _without_cudnn():
            outputs, _ = self.lstm(packed)
        states, _ = pad_packed_sequence(outputs, batch_first=True, total_length=mask.shape[1])
        lowest = -1.0  # below every state of an LSTM
        maximum: Tensor = states.masked_fill(~mask.unsqueeze(-1), lowest).amax(dim=1)
        return maximum


class BiLSTM(ScratchClassifier):
    """Recurrent sentence classifier."""

    config_class = BiLSTMConfig

    def make_encoder(self, config: ScratchConfig) -> nn.Module:
        return Recurrence(config)


@contextmanager
def _without_cudnn() -> Iterator[None]:
    """Switch cuDNN off: its LSTM has no gradients in eval mode, where attacks and input gradients need them.

    `torch.backends.cudnn.flags` would also change what the user has set of determinism and precision.
    """
    enabled = torch.backends.cudnn.enabled
    torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = enabled
