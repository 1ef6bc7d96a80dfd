"""The robustness curve of a classifier: accuracy under an attack on the embeddings at a list of epsilons.

An example counts as robust at epsilon only if no restart, no step and no smaller epsilon has fooled the model
on it (a smaller ball lies inside a larger one), so the curve never rises: it is the worst case per example.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset

from uegr.evaluation.attacks.attack_results import RobustMask
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, Queries
from uegr.evaluation.evaluated_model import EvaluatedModel, OnBatch
from uegr.evaluation.model_state import evaluation_mode


def curve_part(attack: EmbeddingAttack, epsilons: Sequence[float], robust: RobustMask) -> dict[str, Any]:
    """The "robustness" part of results.json of a classifier; see `robust_mask`."""
    return describe_curve(attack, epsilons, robust.shape[1], "accuracy", robust.mean(axis=1).tolist())


def describe_curve(
    attack: EmbeddingAttack, epsilons: Sequence[float], examples: int, metric: str, values: Sequence[float]
) -> dict[str, Any]:
    """The "robustness" part of results.json, with the curve under the name of its metric."""
    return {
        "attack": attack.name,
        **attack.options(),
        "epsilons": list(epsilons),
        metric: list(values),
        "examples": examples,
    }


def robust_mask(
    evaluated: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: EmbeddingAttack,
    on_batch: OnBatch = lambda examples: None,
    queries: Queries | None = None,
) -> RobustMask:
    """Whether the model classifies each example correctly at each epsilon (in ascending order), (len(epsilons), N).

    Args:
        evaluated: the model, a classifier.
        rows: text and "label".
        epsilons: radii, in the unit of the attack's ball; 0 is the clean accuracy.
        attack: the search for a perturbation.
        on_batch: called after each batch, for a progress bar.
        queries: counts the passes that the attack makes.
    """
    robust = np.zeros((len(epsilons), len(rows)), dtype=bool)
    queries = queries or Queries()
    with evaluation_mode(evaluated.model):
        for positions, batch in evaluated.batches(rows):
            robust[:, positions] = attack.robust_mask(evaluated, batch, epsilons, positions, queries)
            on_batch(len(positions))
    return robust
