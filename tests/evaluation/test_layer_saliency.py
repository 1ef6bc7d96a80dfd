"""Saliency against a gradient."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.layer_saliency import measure_saliency
from uegr.evaluation.model_state import evaluation_mode


def test_saliency_is_the_mean_squared_gradient(evaluated: EvaluatedModel, rows: Dataset) -> None:
    part = measure_saliency(evaluated, rows.select(range(8)))
    assert [parameter["name"] for parameter in part["parameters"]] == [
        name for name, _ in evaluated.model.named_parameters()
    ]
    _, batch = next(evaluated.batches(rows.select(range(8))))
    with evaluation_mode(evaluated.model, weight_gradients=True):
        loss = torch.nn.functional.cross_entropy(evaluated.logits(batch), batch["labels"])
        expected = float(torch.autograd.grad(loss, evaluated.model.classifier.bias)[0].square().mean())
    assert part["parameters"][-1]["saliency"] == pytest.approx(expected, rel=1e-3)
    assert part["parameters"][-1]["elements"] == 2
