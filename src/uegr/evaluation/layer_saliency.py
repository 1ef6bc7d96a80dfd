"""The saliency of each parameter of a model: the mean squared gradient of the loss over its elements."""

from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.model_state import evaluation_mode, gradients_enabled
from uegr.modeling.model_parts import layer_of

BATCH_SIZE = 16
"""Each gradient is computed from the mean loss of this number of rows."""


def measure_saliency(evaluated: EvaluatedModel, rows: Dataset) -> dict[str, Any]:
    """The "saliency" part of results.json.

    It is the batch Fisher score that the selective update ranks by, on a finished model of any method.

    Args:
        evaluated: a classifier.
        rows: text and "label".
    """
    parameters = dict(evaluated.model.named_parameters())
    sums: dict[str, Tensor] = {name: parameter.new_zeros(()) for name, parameter in parameters.items()}
    count = 0
    with evaluation_mode(evaluated.model, weight_gradients=True), gradients_enabled():
        for start in range(0, len(rows), BATCH_SIZE):
            for _, batch in evaluated.batches(rows.select(range(start, min(start + BATCH_SIZE, len(rows))))):
                loss = F.cross_entropy(evaluated.logits(batch), batch["labels"])
                gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
                count += 1
                for name, gradient in zip(parameters, gradients, strict=True):
                    if gradient is not None:
                        sums[name] += gradient.float().square().mean()
    saliencies = [
        {"name": name, "layer": layer_of(name), "elements": parameter.numel(), "saliency": float(sums[name]) / count}
        for name, parameter in parameters.items()
    ]
    return {"examples": len(rows), "parameters": saliencies}
