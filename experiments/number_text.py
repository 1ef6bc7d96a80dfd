"""Means and differences as text."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from uegr.evaluation.statistics import Estimate


def spread(values: Sequence[float], digits: int) -> str:
    """Mean ± standard deviation; only the mean of a single value."""
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{deviation}"


def signed(difference: Estimate, scale: int = 100, digits: int = 1) -> str:
    """A mean difference with its 95 % interval; only the difference of a single value."""
    bounds = (difference.mean, difference.low, difference.high)
    mean, low, high = (f"{scale * value:+.{digits}f}" for value in bounds)
    return mean if difference.count < 2 else f"{mean} [{low}, {high}]"
