"""Text that is generated: the loss per token, and the sums that the metrics are made from."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from uegr.modeling.task_kinds.detection import task_kind_of
from uegr.modeling.task_kinds.text_generation import CausalGeneration, Generation


def test_a_causal_model_is_held_against_the_next_token() -> None:
    model = nn.Module()
    model.loss_type = "ForCausalLM"
    logits, labels = torch.randn(2, 5, 7), torch.randint(0, 7, (2, 5))
    task = task_kind_of(model, logits, labels)
    assert isinstance(task, CausalGeneration)
    expected = F.cross_entropy(logits[:, :-1].reshape(-1, 7), labels[:, 1:].reshape(-1))
    torch.testing.assert_close(task.mean(task.loss(logits)), expected)


def test_metrics_are_per_target_token() -> None:
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, 1, -100], [4, -100, -100]])
    task = Generation(labels.reshape(-1), batch_size=2)
    outputs = task.outputs(logits)
    assert outputs.shape == (2, 3)
    assert outputs[:, 2].tolist() == [2, 1]
    metrics = Generation.metrics(outputs.double().numpy(), labels.numpy())
    nll = float(F.cross_entropy(logits.reshape(-1, 5), labels.reshape(-1)))
    assert metrics["nll"] == pytest.approx(nll, rel=1e-5)
    assert metrics["perplexity"] == pytest.approx(math.exp(nll), rel=1e-5)
    is_correct = logits.argmax(-1) == labels
    assert metrics["token_accuracy"] == pytest.approx(float(is_correct.sum()) / 3)


def test_the_perplexity_of_a_training_that_diverged_is_a_number() -> None:
    """results.json holds no infinity."""
    metrics = Generation.metrics(np.array([[2000.0, 0.0, 2.0]]), np.empty(0))
    assert metrics["nll"] == 1000.0
    assert 1e307 < metrics["perplexity"] < math.inf
