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
    layer_numbers = {name: number for number, name in enumerate(dict.fromkeys(layers))}
    sums = torch.zeros(3 + 2 * len(layer_numbers), device=scores[0].device)
    totals, by_layer = sums[:3], sums[3:].view(-1, 2)  # parts of one tensor: `add_up` is called once
    for i, (layer, score) in enumerate(zip(layers, scores, strict=True)):
        p = now[i]
        totals[0] += score.numel()
        totals[1] += p.sum()
        if before:
            q = before[i]
            totals[2] += (p + q - 2 * p * q).sum()
        by_layer[layer_numbers[layer], 0] += score.sum()
        by_layer[layer_numbers[layer], 1] += score.numel()
    add_up(sums)
    elements, updated, churned = totals
    churn = {"mask_churn": churned / elements} if before else {}
    means = by_layer[:, 0] / by_layer[:, 1]
    saliency = {f"{SALIENCY}{name}": means[number] for name, number in layer_numbers.items()}
    return {"update_share": updated / elements, **churn, **saliency}
