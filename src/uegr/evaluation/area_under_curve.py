"""The robustness curve as one number."""

import math
from collections.abc import Collection, Sequence

import numpy as np


def shared_range(curves: Collection[Sequence[float]]) -> tuple[float, float]:
    """The largest first and the smallest last epsilon of several curves: where all of them have values.

    The first of the two is larger where they share no range.
    """
    return max(epsilons[0] for epsilons in curves), min(epsilons[-1] for epsilons in curves)


def curve_area(
    epsilons: Sequence[float], values: Sequence[float], up_to: float | None = None, start: float | None = None
) -> float:
    """Area under a curve over epsilons by the trapezoidal rule, divided by the width: the mean height [ours].

    For accuracies it lies in [0, 1]: the mean accuracy under an attack whose epsilon is uniform between `start` and
    `up_to`. Areas can be compared only over the same range. NaN where `start` is above `up_to`.

    Args:
        epsilons: in ascending order, the first normally 0.
        values: of the curve at each epsilon.
        up_to, start: where the curve is cut, with linear interpolation; the last and the first epsilon if left out.
    """
    start = epsilons[0] if start is None else start
    end = epsilons[-1] if up_to is None else up_to
    if start >= end:
        return float(np.interp(end, epsilons, values)) if start == end else math.nan
    inside = [start, *(epsilon for epsilon in epsilons if start < epsilon < end), end]
    heights = np.interp(inside, epsilons, values)
    return float(np.trapezoid(heights, inside) / (end - start))
