"""Signs that a model only seems robust, because its gradients lead an attack astray (Athalye et al. 2018).

An attack that sees gradients has everything that a black box has, and more. Where a black box, or perturbations
made on another model, fool examples that it cannot fool, its accuracy is no measure of robustness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Survivors = NDArray[np.bool_]
SIGNIFICANCE = 0.01
"""Of the one-sided sign test; several epsilons are looked at, so it is strict."""
MOST_ZERO = 0.05
"""Share of examples whose input gradient may be exactly zero: very certain predictions have one in float32."""


def gradient_masking(
    epsilons: Sequence[float], white_box: Survivors, others: Mapping[str, Survivors], zero_gradient: float
) -> dict[str, Any]:
    """The "gradient_masking" part of results.json.

    Args:
        epsilons: above or equal 0, rising.
        white_box: who survived every attack that sees gradients, shape (len(epsilons), N).
        others: name -> who survived an attack that sees none of this model's, same shape.
        zero_gradient: share of the examples whose input gradient is exactly zero.

    Returns:
        Accuracies by epsilon, and "flag" with its "reasons": sentences, empty where nothing is suspicious. An
        attack counts as better than the white box where it alone fools significantly more examples than the white
        box alone does (sign test, p < 0.01).
    """
    reasons = []
    for name, robust_mask in others.items():
        for epsilon, white, other in zip(epsilons, white_box, robust_mask, strict=True):
            only_other, only_white = int((white & ~other).sum()), int((other & ~white).sum())
            if only_other > only_white and _sign_test(only_other, only_white) < SIGNIFICANCE:
                reasons.append(
                    f"at epsilon {epsilon:g} {name} fools {only_other} examples that the attack with gradients cannot "
                    f"fool, and fails on {only_white} that it can."
                )
    if zero_gradient > MOST_ZERO:
        reasons.append(f"the input gradient of {zero_gradient:.0%} of the examples is exactly zero.")
    curves = {name: [float(one) for one in robust_mask.mean(axis=1)] for name, robust_mask in others.items()}
    return {
        "epsilons": list(epsilons),
        "white_box": [float(one) for one in white_box.mean(axis=1)],
        **curves,
        "zero_gradient": zero_gradient,
        "flag": bool(reasons),
        "reasons": reasons,
    }


def _sign_test(more: int, fewer: int) -> float:
    """Probability of so many of more + fewer coin flips falling one way, were the coin fair."""
    return float(binomtest(more, more + fewer, alternative="greater").pvalue)
