"""How fast the loss of an example rises when its token embeddings move: the norm of its input gradient.

To first order the adversarial loss is CE + epsilon * |grad_e CE|, so training on it should make this norm small.
"""

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.model_state import evaluation_mode
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.perturbed_pass import zero_delta
from uegr.modeling.real_tokens import token_mask


def input_gradient_norms(evaluated: EvaluatedModel, rows: Dataset) -> NDArray[np.float64]:
    """l2 norm of the loss gradient of each example at its token embeddings, without padding, shape (N,)."""
    norms = np.zeros(len(rows))
    width = embedding_width(evaluated.model)
    with evaluation_mode(evaluated.model):
        for positions, batch in evaluated.batches(rows):
            *_, gradient = evaluated.gradient_at(batch, zero_delta(batch, width), evaluated.task(batch).attack_loss)
            norms[positions] = (gradient * token_mask(batch)).cpu().double().flatten(1).norm(dim=1).numpy()
    return norms


def mean_and_error(values: NDArray[np.float64]) -> dict[str, float]:
    """{"mean", "standard_error"} of a sample."""
    return {"mean": float(values.mean()), "standard_error": float(values.std(ddof=1) / len(values) ** 0.5)}
