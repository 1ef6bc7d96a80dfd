"""Similarity of representations and drift of weights."""

from __future__ import annotations

import copy

import pytest
import torch
from datasets import Dataset
from torch import nn
from transformers import FunnelConfig, FunnelForSequenceClassification

from support.reviews import tokenizer
from support.small_models import encoder_decoder
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.similarity import Moments, measure_similarity, weight_drift


def moments_of(x: torch.Tensor, y: torch.Tensor) -> Moments:
    moments = Moments(x.shape[1])
    for part in range(0, len(x), 7):
        moments.add(x[part : part + 7].double(), y[part : part + 7].double())
    return moments


def test_cka_sees_through_rotation_shift_and_scale_and_cosine_does_not() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 8, generator=generator)
    rotation, _ = torch.linalg.qr(torch.randn(8, 8, generator=generator))
    assert moments_of(x, 3.0 * x @ rotation + 2.0).cka() == pytest.approx(1.0, abs=1e-6)
    assert moments_of(x, torch.randn(400, 8, generator=generator)).cka() < 0.1
    assert moments_of(x, -2.0 * x).cosine() == pytest.approx(-1.0)


def test_cka_is_that_of_the_definition() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(50, 6, generator=generator).double()
    y = x + torch.randn(50, 6, generator=generator).double()
    centre = torch.eye(50).double() - 1 / 50
    k, m = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    assert moments_of(x, y).cka() == pytest.approx(float((k * m).sum() / (k.norm() * m.norm())))


def test_a_model_is_like_itself_and_changed_weights_show_in_their_layer(
    evaluated: EvaluatedModel, rows: Dataset
) -> None:
    twin = copy.deepcopy(evaluated.model)
    same = measure_similarity(evaluated, twin, rows)
    assert same["layers"] == ["embeddings", "layer 1", "layer 2"]
    assert same["cka"] == pytest.approx([1, 1, 1]) and same["cosine"] == pytest.approx([1, 1, 1])
    assert same["drift"] == [0, 0, 0] and same["drift_total"] == 0
    with torch.no_grad():
        for weight in twin.bert.encoder.layer[1].parameters():
            weight.mul_(2.0)
        twin.classifier.weight.mul_(5.0)  # the head does not count
    other = measure_similarity(evaluated, twin, rows)
    assert other["drift"] == pytest.approx([0, 0, 0.5])
    assert 0 < other["drift_total"] < 0.5
    assert other["cka"][:2] == pytest.approx([1, 1]) and other["cka"][2] < 1
    assert set(weight_drift(evaluated.model, twin)) == {"embeddings", "layer 1", "layer 2", "bert.pooler", "total"}


@pytest.mark.parametrize("kind", ["bart", "funnel"])
def test_states_that_are_not_one_for_each_token_and_layer_are_refused(kind: str, rows: Dataset) -> None:
    words = tokenizer()
    model: nn.Module = encoder_decoder("bart", words)
    message = "does not return its hidden states"
    if kind == "funnel":
        size = {"d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 16}
        model = FunnelForSequenceClassification(FunnelConfig(vocab_size=len(words), block_sizes=[1, 1], **size))
        message = "has layers without a state for each token"
    with pytest.raises(UsageError, match=message):
        measure_similarity(EvaluatedModel(model, words, ("text",)), copy.deepcopy(model), rows)
