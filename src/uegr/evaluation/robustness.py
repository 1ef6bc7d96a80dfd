"""The robustness curve: accuracy under an attack on the embeddings at a list of epsilons, in one call.

An example counts as robust at epsilon only if no restart, no step and no smaller epsilon has fooled the model
on it (a smaller ball lies inside a larger one), so the curve never rises. Worst case per example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray

from uegr.errors import UsageError
from uegr.evaluation.attacks.embedding_attack import AttackBatch, EmbeddingAttack, Queries
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.modeling.embeddings import embedding_scale, token_mask
from uegr.perturb.ball import Ball


def robustness_curve(
    subject: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: EmbeddingAttack | None = None,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> dict[str, Any]:
    """Accuracy of `subject` on `rows` at each epsilon.

    Args:
        subject: the model.
        rows: text and "label".
        epsilons: radii, in the unit of the attack's ball, not negative; 0 is the clean accuracy.
        attack: which, with norm, steps and restarts; PGD if left out.
        on_batch: told the number of examples done, for a progress bar.

    Returns:
        The "robustness" part of results.json: attack, norm, relative, epsilons in rising order, accuracy as
        fractions, and steps, restarts and examples beside them.
    """
    attack, radii = attack or PGD(), sorted_epsilons(epsilons)
    return describe(attack, radii, robust_mask(subject, rows, radii, attack, on_batch))


def describe(attack: EmbeddingAttack, radii: Sequence[float], robust: NDArray[np.bool_]) -> dict[str, Any]:
    """The "robustness" part of results.json, from who survived what; see `robust_mask`."""
    return {
        "attack": attack.name,
        **attack.options(),
        "epsilons": list(radii),
        "accuracy": [float(one) for one in robust.mean(axis=1)],
        "examples": robust.shape[1],
    }


def sorted_epsilons(epsilons: Sequence[float]) -> list[float]:
    """The epsilons in rising order, each once.

    Raises:
        UsageError: none is given, or a negative one.
    """
    radii = sorted({float(one) for one in epsilons})
    if not radii or radii[0] < 0:
        raise UsageError("epsilons must be a list of at least one number, none of them negative.")
    return radii


def robust_mask(
    subject: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: EmbeddingAttack,
    on_batch: Callable[[int], None] = lambda examples: None,
    queries: Queries | None = None,
) -> NDArray[np.bool_]:
    """Which example the model still gets right at which epsilon (rising), shape (len(epsilons), N).

    `queries`, where given, counts what the attack asks of the model.
    """
    robust = np.zeros((len(epsilons), len(rows)), dtype=bool)
    ball, scale = Ball(attack.norm, attack.relative), embedding_scale(subject.model)
    generator = torch.Generator().manual_seed(attack.seed)
    queries = queries or Queries()
    for positions, batch in subject.batches(rows):
        mask = token_mask(batch)
        arena = AttackBatch(subject, batch, ball, ball.unit(scale, mask), mask, generator, queries)
        start = torch.zeros((*mask.shape[:2], scale.width), device=mask.device)
        alive = arena.right(arena.logits(start))
        for i, epsilon in enumerate(epsilons):
            for restart in range(attack.restarts if epsilon > 0 else 0):
                # Only examples that nothing has fooled yet are attacked again.
                left = torch.nonzero(alive).squeeze(-1)
                if not len(left):
                    break
                part = arena.part(left)
                part = replace(part, radius=epsilon * part.radius)
                point = start[left]
                if restart:
                    point = ball.random_point(point.shape, part.radius, part.mask, generator)
                alive[left] = attack.held(part, point)
            robust[i, positions] = alive.cpu().numpy()
        on_batch(len(positions))
    return robust
