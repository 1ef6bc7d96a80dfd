"""The robustness curve as one number."""

from collections.abc import Sequence

import numpy as np


def curve_area(epsilons: Sequence[float], values: Sequence[float], up_to: float | None = None) -> float:
    """Area under a curve over epsilons by the trapezoidal rule, divided by the width: the mean height [ours].

    For accuracies it lies in [0, 1]: the mean accuracy under an attack whose epsilon is uniform between the smallest
    one and `up_to`. Areas can be compared only over the same range.

    Args:
        epsilons: in ascending order, the first normally 0.
        values: of the curve at each epsilon.
        up_to: where the curve is cut, with linear interpolation; the last epsilon if left out.
    """
    end = epsilons[-1] if up_to is None else up_to
    if len(epsilons) < 2 or end <= epsilons[0]:
        return float(values[0])
    inside = [*(epsilon for epsilon in epsilons if epsilon < end), end]
    heights = np.interp(inside, epsilons, values)
    return float(np.trapezoid(heights, inside) / (end - epsilons[0]))
