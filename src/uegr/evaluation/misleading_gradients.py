"""Evidence that a model only seems robust, because its gradients mislead an attack (Athalye et al. 2018).

An attack with gradients sees everything that a black-box attack sees, and more. If a black-box attack, or perturbations
made on another model, fool examples that it cannot fool, the accuracy under it does not measure robustness.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from scipy.stats import binomtest

from uegr.evaluation.attacks.attack_results import RobustMask

SIGNIFICANCE = 0.01
"""Level of the one-sided sign test; it is strict, because several epsilons are tested."""
KEYS = {"random-search": "black_box"}
"""Attacks whose accuracies have another key in results.json than their name."""
MOST_ZERO = 0.05
"""Largest normal share of examples whose input gradient is exactly zero, as it is for very certain predictions."""


def gradient_masking(
    epsilons: Sequence[float], white_box: RobustMask, black_box: Mapping[str, RobustMask], zero_gradient: float
) -> dict[str, Any]:
    """The "gradient_masking" part of results.json.

    Args:
        epsilons: at least 0, in ascending order.
        white_box: which examples are robust against every attack that sees gradients, shape (len(epsilons), N).
        black_box: name -> the same for an attack that does not see this model's gradients.
        zero_gradient: share of the examples whose input gradient is exactly zero.

    Returns:
        Accuracies by epsilon, and "flag" with its "reasons": sentences, empty where nothing is suspicious. An
        attack counts as better than the white box where it alone fools significantly more examples than the white
        box alone does (sign test, p < 0.01).
    """
    reasons = []
    for name, robust_mask in black_box.items():
        for epsilon, white, black in zip(epsilons, white_box, robust_mask, strict=True):
            only_black, only_white = int((white & ~black).sum()), int((black & ~white).sum())
            if only_black > only_white and _sign_test(only_black, only_white) < SIGNIFICANCE:
                reasons.append(
                    f"at epsilon {epsilon:g} {name} fools {only_black} examples that the attack with gradients cannot "
                    f"fool, and fails on {only_white} that it can."
                )
    if zero_gradient > MOST_ZERO:
        reasons.append(f"the input gradient of {zero_gradient:.0%} of the examples is exactly zero.")
    curves = {KEYS.get(name, name): robust_mask.mean(axis=1).tolist() for name, robust_mask in black_box.items()}
    return {
        "epsilons": list(epsilons),
        "white_box": white_box.mean(axis=1).tolist(),
        **curves,
        "zero_gradient": zero_gradient,
        "flag": bool(reasons),
        "reasons": reasons,
    }


def _sign_test(more: int, fewer: int) -> float:
    """Probability that a fair coin falls one way at least `more` times in `more` + `fewer` throws."""
    return float(binomtest(more, more + fewer, alternative="greater").pvalue)
