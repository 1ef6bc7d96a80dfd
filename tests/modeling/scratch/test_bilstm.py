"""The recurrent classifier from scratch."""

from __future__ import annotations

import pytest
import torch

from uegr.modeling.scratch.bilstm import BiLSTM, BiLSTMConfig


@pytest.mark.parametrize("training", [False, True])
def test_cudnn_runs_the_lstm_in_training_only(training: bool) -> None:
    """cuDNN's LSTM raises an error where gradients are computed in eval mode."""
    model = BiLSTM(BiLSTMConfig(vocab_size=20, hidden_size=8)).train(training)
    seen: list[bool] = []
    model.encoder.lstm.register_forward_pre_hook(lambda module, inputs: seen.append(torch.backends.cudnn.enabled))
    model(input_ids=torch.ones(2, 5, dtype=torch.long)).logits.sum().backward()
    assert seen == [training]
    assert torch.backends.cudnn.enabled
