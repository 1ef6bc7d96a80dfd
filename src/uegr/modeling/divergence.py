"""The divergence between the output distributions of several sub-models.

The paper ties its k sub-models with the Jensen-Shannon divergence (arXiv 2503.16550, forward stage).
Its form for regression and for multi-label outputs is ours.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def jensen_shannon_per_pass(log_probabilities: Tensor) -> Tensor:
    """What each sub-model adds to the generalised Jensen-Shannon divergence, KL(P_i || mean P), in nats.

    The mean over i is JS = H(mean_i P_i) - mean_i H(P_i), in [0, log k]: 0 for equal distributions, log k for disjoint
    ones.

    Args:
        log_probabilities: log-softmax outputs of k sub-models, shape (k, ..., C), float32.

    Returns:
        Shape (k, ...), not negative.
    """
    k = log_probabilities.shape[0]
    log_mean = torch.logsumexp(log_probabilities, dim=0) - math.log(k)
    # A difference of nearly equal numbers when the passes agree; rounding may leave it below 0.
    return _expected(log_probabilities, log_probabilities - log_mean).clamp_min(0.0)


def symmetric_kl(first: Tensor, second: Tensor) -> Tensor:
    """KL(P | Q) + KL(Q | P) in nats, of two sets of log-probabilities (..., C), float32; shape (...)."""
    difference = first - second
    return _expected(first, difference) - _expected(second, difference)


def binary_jensen_shannon_per_pass(logits: Tensor) -> Tensor:
    """Divergence of each of k sets of independent yes/no outputs from their mean, averaged over the labels.

    Args:
        logits: shape (k, ..., C); each output is the logit of one label.

    Returns:
        Shape (k, ...); its mean over k is in [0, log k] nats.
    """
    return jensen_shannon_per_pass(binary_log_probabilities(logits)).mean(dim=-1)


def binary_log_probabilities(logits: Tensor) -> Tensor:
    """Log-probabilities of independent labels, shape (..., C, 2), from their logits (..., C)."""
    return torch.stack([F.logsigmoid(logits), F.logsigmoid(-logits)], dim=-1)


def variance_per_pass(outputs: Tensor) -> Tensor:
    """Squared distance of k real-valued predictions from their mean, in squared units of the target.

    The counterpart of JS for regression.

    Args:
        outputs: shape (k, ..., C).

    Returns:
        Shape (k, ...), mean over the C outputs; its mean over k is the population variance.
    """
    return (outputs - outputs.mean(dim=0)).square().mean(dim=-1)


def _expected(log_probabilities: Tensor, values: Tensor) -> Tensor:
    """Sum of P * values over the last dimension, with 0 * inf = 0 for classes of probability zero."""
    probabilities = log_probabilities.exp()
    return torch.where(probabilities > 0, probabilities * values, 0.0).sum(dim=-1)
