"""What a selective update does over the training, for logs and figures.

How much it updates, how much the selection changes, and where in the model the saliency lies. Computed each time the
parameters are ranked, on the sampled elements.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

SALIENCY = "saliency/"
"""Prefix of the logged mean saliency of a layer."""


def selection_dynamics(
    layers: Sequence[str],
    scores: Sequence[Tensor],
    before: Sequence[Tensor],
    now: Sequence[Tensor],
    add_up: Callable[[Tensor], object] = lambda sums: None,
) -> dict[str, Tensor]:
    """Scalars about one ranking.

    Args:
        layers: the layer each parameter belongs to.
        scores: saliency of each parameter's elements, or of a sample of them.
        before, now: their update probabilities at the previous ranking, empty at the first one, and at this one.
        add_up: adds the sums of the processes that hold other parts of the parameters, in place.

    Returns:
        "update_share": the share of elements that a step updates, the mean of p. "mask_churn", absent at the first
        ranking: the expected share of elements in which a mask drawn now differs from one drawn before, the mean of
        p (1 - q) + q (1 - p). Two masks drawn from the same p differ, too, in 2 p (1 - p). "saliency/LAYER": the mean
        score of the layer.
    """
    names = list(dict.fromkeys(layers))
    sums = torch.zeros(3 + 2 * len(names), device=scores[0].device)
    for i, (layer, score) in enumerate(zip(layers, scores, strict=True)):
        p = now[i]
        sums[0] += score.numel()
        sums[1] += p.sum()
        if before:
            q = before[i]
            sums[2] += (p + q - 2 * p * q).sum()
        position = 3 + 2 * names.index(layer)
        sums[position] += score.sum()
        sums[position + 1] += score.numel()
    add_up(sums)
    churn = {"mask_churn": sums[2] / sums[0]} if before else {}
    saliency = {f"{SALIENCY}{name}": sums[3 + 2 * i] / sums[4 + 2 * i] for i, name in enumerate(names)}
    return {"update_share": sums[1] / sums[0], **churn, **saliency}
