"""Statistics over seeds and examples: means with intervals, paired tests, corrections, ranks.

A difference between two methods can be due to the choice of seeds (other training runs) or of examples (another test
set). `compare_paired` tests both, and its p is small only if both are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Scores = NDArray[np.floating[Any]]
CONFIDENCE = 0.95
SMALLEST_P = 1e-12
"""Smaller p-values of a permutation test are rounding errors."""
MANY_PAIRS = 1_000
"""From this number on, the total of differences of any size is taken for normal."""
ROUNDING = 1e-9
"""Smaller differences are rounding errors, such as the result of (0.3 - 0.2) - (0.4 - 0.3)."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Args:
        mean: of the values.
        sd: their standard deviation (n - 1), NaN for one value.
        low, high: ends of the 95 % confidence interval of the mean, NaN for one value.
        count: number of values.
    """

    mean: float
    sd: float
    low: float
    high: float
    count: int

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def estimate(values: Sequence[float]) -> Estimate:
    """Mean, standard deviation and Student's 95 % confidence interval of values that were drawn independently."""
    sample = np.asarray(values, dtype=float)
    mean, count = float(sample.mean()), len(sample)
    if count < 2:
        return Estimate(mean, float("nan"), float("nan"), float("nan"), count)
    sd = float(sample.std(ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * sd / count**0.5
    return Estimate(mean, sd, mean - half, mean + half, count)


def paired_interval(differences: Scores) -> tuple[float, float]:
    """Return the 95 % interval of a mean difference between two methods on the same examples.

    The interval of Bonett and Price (2012) for two paired shares adds one example for either method, so that the
    interval has a width even if the methods differ on no example, and does not exclude 0 because of very few.

    Args:
        differences: first minus second of each example, in [-1, 1], shape (n,).
    """
    widened = estimate([*differences, 1.0, -1.0])
    return max(widened.low, -1.0), min(widened.high, 1.0)


@dataclass(frozen=True)
class Comparison:
    """One method against another on the same seeds and examples.

    Args:
        difference: mean over seeds of first minus second, with its interval.
        p_seeds: paired t-test over the seeds; NaN for one seed.
        p_examples: paired permutation test over the examples; None where the outcomes of single examples are not known.
    """

    difference: Estimate
    p_seeds: float
    p_examples: float | None

    @property
    def p(self) -> float:
        """The larger of the two: an intersection-union test (Berger 1982), which rejects only where both tests do."""
        return self.p_seeds if self.p_examples is None else float(np.maximum(self.p_examples, self.p_seeds))  # NaN wins


def compare_paired(
    first: Sequence[float],
    second: Sequence[float],
    first_scores: Scores | None = None,
    second_scores: Scores | None = None,
) -> Comparison:
    """Compare two methods, seed by seed and example by example.

    The test over examples swaps whole examples between the methods, with the outcomes of all their seeds, because the
    outcomes of several seeds on one example are not independent. The test over seeds is a t-test: swapping five seeds
    has 32 outcomes and can give no p below 1/16, and the values are means over hundreds of examples.

    Args:
        first, second: the measure of each seed, in the same order of seeds.
        first_scores, second_scores: of each seed and example, shape (seeds, examples), in [0, 1]; their means over the
            examples are `first` and `second`. None for a measure that is no mean over examples, such as F1.
    """
    differences = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    p_examples = None
    if first_scores is not None and second_scores is not None:
        by_example = (first_scores.astype(float) - second_scores.astype(float)).mean(axis=0)
        p_examples = permutation_p(by_example)
    return Comparison(estimate(list(differences)), _paired_t(differences), p_examples)


def permutation_p(differences: Scores) -> float:
    """Two-sided p of a mean difference under swaps of the two members of each pair, over all 2^n of them.

    Differences are whole multiples of a step 1/k, as those of correct answers averaged over seeds and radii are. If no
    k up to 1,000 fits, they are rounded to hundredths of their mean size, or the total is taken for normal if there
    are at least `MANY_PAIRS`.

    Args:
        differences: of each pair, shape (n,). The p of NaN and of infinite ones is NaN.
    """
    if not np.isfinite(differences).all():
        return float("nan")
    sizes = np.unique(np.abs(differences))
    if not sizes.any():
        return 1.0
    tolerance = 1e-6 * min(1.0, float(sizes[-1]))
    exact = (count for count in range(1, 1001) if np.abs(sizes * count - np.rint(sizes * count)).max() < tolerance)
    per_unit = next(exact, None)
    if per_unit is None and len(differences) >= MANY_PAIRS:
        z = abs(differences.sum()) / np.sqrt((differences**2).sum())
        return max(2 * float(stats.norm.sf(z)), SMALLEST_P)
    per_unit = per_unit or 100 / np.abs(differences).mean()
    steps = np.rint(differences * per_unit).astype(int)
    total, largest = abs(steps.sum()), np.abs(steps).sum()
    # A swap adds +s or -s to the total: its characteristic function is the product of the cosines of all pairs.
    angles = 2 * np.pi / (2 * largest + 1) * np.arange(largest + 1)
    characteristic = np.ones(largest + 1)
    for size, count in zip(*np.unique(np.abs(steps), return_counts=True), strict=True):
        characteristic *= np.cos(size * angles) ** count
    probabilities = np.fft.irfft(characteristic, 2 * largest + 1)  # of the totals 0, 1, ..., and then of the negative
    return float(np.clip(2 * probabilities[total : largest + 1].sum(), SMALLEST_P, 1.0))


def _paired_t(differences: Scores) -> float:
    if len(differences) < 2:
        return float("nan")
    if np.ptp(differences) <= ROUNDING:  # t would be 0/0 or infinite: use the p of the sign test
        return 1.0 if abs(differences[0]) <= ROUNDING else float(0.5 ** (len(differences) - 1))
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979).

    Rejecting where the adjusted p is below a level keeps the probability of any false rejection below that level. NaN
    (nothing was tested) stays NaN and is not counted.
    """
    adjusted = [float("nan")] * len(p_values)
    tested = sorted((p, i) for i, p in enumerate(p_values) if not np.isnan(p))
    largest = 0.0
    for rank, (p, i) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        adjusted[i] = largest
    return adjusted


def average_ranks(tables: Sequence[Sequence[float]]) -> list[float]:
    """Mean rank of each method over several tasks, 1 for the largest value.

    Values that are equal up to rounding, as means of the same numbers in another order, get their mean rank.

    Args:
        tables: for each task, the values of all methods.
    """
    ranks = [stats.rankdata(-_rounded(values)) for values in tables]
    return [float(rank) for rank in np.mean(ranks, axis=0)]


def _rounded(values: Sequence[Any]) -> Scores:
    return np.round(np.asarray(values, dtype=float), 9)


def friedman_p(tables: Sequence[Sequence[float]]) -> float:
    """P-value of the Friedman test: whether any method's ranks over several tasks differ from chance.

    Args:
        tables: for each task, the values of all methods; at least two tasks and three methods.
    """
    values = _rounded(tables)
    if len(values) < 2 or values.shape[1] < 3 or (values == values[:, :1]).all():
        return float("nan")
    return float(stats.friedmanchisquare(*values.T).pvalue)


def critical_difference(methods: int, tasks: int) -> float:
    """How far the mean ranks of two methods must be apart to differ at the 5 % level: Nemenyi's test (Demsar 2006).

    q sqrt(methods (methods + 1) / (6 tasks)), where q is the studentized range over infinite degrees of freedom, over
    the root of 2.

    Args:
        methods: number of methods that were ranked, at least 2.
        tasks: number of tasks that the ranks are the mean over.
    """
    q = float(stats.studentized_range.ppf(CONFIDENCE, methods, np.inf)) / 2**0.5
    return float(q * (methods * (methods + 1) / (6 * tasks)) ** 0.5)
