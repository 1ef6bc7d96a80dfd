"""The robustness curve where an answer is not simply right or wrong: the worst output that an attack finds.

At each epsilon an example's output is the one of largest error over all restarts and steps, at this epsilon and
the smaller ones (a smaller ball lies inside a larger one); the task's metric is computed over these outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor

from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.modeling.embeddings import embedding_scale, perturbed, token_mask
from uegr.perturb.ball import Ball

PerExample = Callable[[Tensor, dict[str, Tensor]], Tensor]


def worst_outputs(
    subject: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: PGD,
    error: PerExample,
    output: PerExample,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> NDArray[np.float64]:
    """The output of largest error of each example at each epsilon.

    Args:
        subject, rows, attack, on_batch: as for `uegr.evaluation.robustness.robustness_curve`.
        epsilons: rising; 0 is the clean output.
        error: from logits and batch to what the attack makes large, shape (B,).
        output: from logits and batch to what is kept of the worst, shape (B, ...).

    Returns:
        Shape (len(epsilons), N, ...).
    """
    order: list[int] = []
    outputs: list[list[NDArray[np.float64]]] = [[] for _ in epsilons]
    ball, scale = Ball(attack.norm, attack.relative), embedding_scale(subject.model)
    generator = torch.Generator().manual_seed(attack.seed)
    for positions, batch in subject.batches(rows):
        mask = token_mask(batch)
        unit = ball.unit(scale, mask)
        shape = torch.Size((*mask.shape[:2], scale.width))
        with torch.no_grad():
            logits = subject.logits(batch)
            worst, kept = error(logits, batch), output(logits, batch)
        for i, epsilon in enumerate(epsilons):
            radius = epsilon * unit
            for restart in range(attack.restarts if epsilon > 0 else 0):
                delta = torch.zeros(shape, device=mask.device)
                if restart:
                    delta = ball.random_point(shape, radius, mask, generator)
                for step in range(attack.steps + 1):
                    leaf = delta.requires_grad_()
                    with torch.enable_grad(), perturbed(subject.model, leaf):
                        logits = subject.logits(batch)
                        errors = error(logits, batch)
                    with torch.no_grad():
                        worse = (errors > worst).reshape(-1, *[1] * (kept.dim() - 1))
                        kept = torch.where(worse, output(logits, batch), kept)
                        worst = torch.maximum(errors, worst).detach()
                    if step < attack.steps:
                        gradient = torch.autograd.grad(errors.sum(), leaf)[0]
                        delta = ball.ascend(leaf.detach(), gradient, 2.5 / attack.steps * radius, radius, mask)
            outputs[i].append(kept.double().cpu().numpy())
        order += positions
        on_batch(len(positions))
    return np.stack([np.concatenate(parts) for parts in outputs])[:, np.argsort(order)]


def describe_worst(
    attack: PGD, radii: Sequence[float], examples: int, name: str, values: Sequence[float]
) -> dict[str, Any]:
    """The "robustness" part of results.json, with the curve under the name of its metric."""
    return {
        "attack": attack.name,
        **attack.options(),
        "epsilons": list(radii),
        name: list(values),
        "examples": examples,
    }
