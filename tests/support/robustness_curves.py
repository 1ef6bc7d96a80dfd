"""Robustness curves of a model in memory."""

from collections.abc import Iterable
from typing import Any

from datasets import Dataset

from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, sorted_epsilons
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import curve_part, robust_mask


def robustness_curve(
    evaluated: EvaluatedModel, rows: Dataset, epsilons: Iterable[float], attack: EmbeddingAttack | None = None
) -> dict[str, Any]:
    """The "robustness" part of results.json."""
    attack, sizes = attack or PGD(), sorted_epsilons(list(epsilons))
    return curve_part(attack, sizes, robust_mask(evaluated, rows, sizes, attack))
