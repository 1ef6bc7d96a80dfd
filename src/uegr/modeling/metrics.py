"""The published metrics of the tasks, and the likelihood and calibration of predicted probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sklearn_metrics

from uegr.errors import unknown

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]
Values = NDArray[np.float64]
ECE_BINS = 15


@dataclass(frozen=True)
class Metric:
    """How a metric is shown and read.

    Args:
        title: heading in tables.
        percent: shown times 100; the stored value is the fraction.
        higher_is_better: which of two values is the better one.
    """

    title: str
    percent: bool = True
    higher_is_better: bool = True


METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy %"),
    "f1": Metric("F1 %"),
    "macro_f1": Metric("macro F1 %"),
    "micro_f1": Metric("micro F1 %"),
    "exact_match": Metric("exact match %"),
    "matthews": Metric("Matthews %"),
    "map": Metric("MAP %"),
    "mrr": Metric("MRR %"),
    "pearson": Metric("Pearson %"),
    "spearman": Metric("Spearman %"),
    "mse": Metric("MSE", percent=False, higher_is_better=False),
    "bleu": Metric("BLEU"),
    "perplexity": Metric("perplexity", percent=False, higher_is_better=False),
    "token_accuracy": Metric("token accuracy %"),
    "nll": Metric("NLL", percent=False, higher_is_better=False),
    "ece": Metric("ECE", percent=False, higher_is_better=False),
}
"""Every metric that a registry entry or results.json may name."""


def show(name: str, value: float) -> str:
    """A metric's value as tables print it: shares in percent."""
    return f"{100 * value:.1f}" if METRICS[name].percent else f"{value:.3f}"


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of examples whose most probable class is the label, in [0, 1]."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def f1(probabilities: Probabilities, labels: Labels) -> float:
    """F1 of class 1, in [0, 1]; 0 where class 1 is neither predicted nor there (GLUE's MRPC and QQP)."""
    return float(sklearn_metrics.f1_score(labels == 1, probabilities.argmax(axis=1) == 1, zero_division=0.0))


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """Unweighted mean of the classes' F1, in [0, 1]: every class counts alike, however rare."""
    classes = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    return float(sklearn_metrics.f1_score(labels, predicted, labels=classes, average="macro", zero_division=0.0))


def matthews(probabilities: Probabilities, labels: Labels) -> float:
    """Matthews correlation of label and most probable class, in [-1, 1]; 0 for a constant prediction (CoLA)."""
    return float(sklearn_metrics.matthews_corrcoef(labels, probabilities.argmax(axis=1)))


def mean_average_precision(probabilities: Probabilities, labels: Labels, groups: Iterable[Any]) -> float:
    """MAP: candidates of a question (a group) ranked by P(class 1), over questions with a right one (WikiQA)."""
    ranked = _ranked(probabilities, labels, groups)
    return _mean([float(sklearn_metrics.average_precision_score(y, p)) for p, y in ranked])


def mean_reciprocal_rank(probabilities: Probabilities, labels: Labels, groups: Iterable[Any]) -> float:
    """MRR: 1 / rank of the first right candidate, over questions with a right one (WikiQA)."""
    ranks = [1 + np.flatnonzero(y[np.argsort(-p, kind="stable")])[0] for p, y in _ranked(probabilities, labels, groups)]
    return _mean([1 / rank for rank in ranks])


def _mean(values: Sequence[float]) -> float:
    """The mean; 0 where no question has a right candidate, so that results.json holds a number."""
    return float(np.mean(values)) if values else 0.0


def _ranked(probabilities: Probabilities, labels: Labels, groups: Iterable[Any]) -> list[tuple[Values, Labels]]:
    _, which = np.unique(np.array([str(group) for group in groups]), return_inverse=True)
    order = np.argsort(which, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
    return [(probabilities[part, 1], labels[part]) for part in parts if (labels[part] == 1).any()]


CLASSIFICATION: dict[str, Callable[[Probabilities, Labels], float]] = {
    "accuracy": accuracy,
    "f1": f1,
    "macro_f1": macro_f1,
    "matthews": matthews,
}
RANKING: dict[str, Callable[[Probabilities, Labels, Iterable[Any]], float]] = {
    "map": mean_average_precision,
    "mrr": mean_reciprocal_rank,
}


def pearson(predictions: Values, labels: Values) -> float:
    """Linear correlation, in [-1, 1]; 0 for a constant prediction, which correlates with nothing."""
    return float(stats.pearsonr(predictions, labels).statistic) if _varies(predictions, labels) else 0.0


def spearman(predictions: Values, labels: Values) -> float:
    """Rank correlation, in [-1, 1]; 0 for a constant prediction."""
    return float(stats.spearmanr(predictions, labels).statistic) if _varies(predictions, labels) else 0.0


def mean_squared_error(predictions: Values, labels: Values) -> float:
    """Mean of (prediction - label)^2, in squared units of the label."""
    return float(np.square(predictions - labels).mean())


def _varies(*series: Values) -> bool:
    return all(len(one) > 1 and np.ptp(one) > 0 for one in series)


REGRESSION: dict[str, Callable[[Values, Values], float]] = {
    "pearson": pearson,
    "spearman": spearman,
    "mse": mean_squared_error,
}


def micro_f1(decided: Values, labels: Values) -> float:
    """F1 over all decisions (N, C) of 0 or 1 together, in [0, 1]."""
    return float(sklearn_metrics.f1_score(labels.ravel(), decided.ravel(), zero_division=0.0))


def label_macro_f1(decided: Values, labels: Values) -> float:
    """Unweighted mean over the labels of their F1, in [0, 1]."""
    return float(sklearn_metrics.f1_score(labels, decided, average="macro", zero_division=0.0))


def exact_match(decided: Values, labels: Values) -> float:
    """Share of examples with every label right, in [0, 1]."""
    return float((decided == labels).all(axis=1).mean())


MULTI_LABEL: dict[str, Callable[[Values, Values], float]] = {
    "micro_f1": micro_f1,
    "macro_f1": label_macro_f1,
    "exact_match": exact_match,
}


def bleu(written: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU with sacrebleu's defaults (Papineni et al. 2002; Post 2018, tokenizer 13a), as a fraction."""
    import sacrebleu

    return float(sacrebleu.corpus_bleu(list(written), [list(references)]).score) / 100


BY_KIND: dict[str, tuple[str, ...]] = {
    "classification": (*CLASSIFICATION, *RANKING),
    "regression": tuple(REGRESSION),
    "multi_label": tuple(MULTI_LABEL),
    "seq2seq": ("bleu", "perplexity", "token_accuracy", "nll"),
    "causal_lm": ("perplexity", "token_accuracy", "nll"),
}
"""The metrics that may be published of a kind of task."""


def check_metric(name: str, kind: str) -> None:
    """Refuse a metric that a kind of task does not have.

    Raises:
        UsageError: naming those that it has.
    """
    if kind not in BY_KIND:
        raise unknown("kind of task", kind, BY_KIND)
    if name not in BY_KIND[kind]:
        raise unknown(f"metric of {kind}", name, BY_KIND[kind])


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of -log P(label), in nats."""
    return float(sklearn_metrics.log_loss(labels, probabilities, labels=np.arange(probabilities.shape[1])))


def expected_calibration_error(probabilities: Probabilities, labels: Labels, bins: int = ECE_BINS) -> float:
    """Gap between confidence and accuracy over equal-width bins of confidence, weighted by their examples.

    Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599) use the same 15 bins. In [0, 1].
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(correct[which == one].mean() - confidence[which == one].mean()) * (which == one).mean()
        for one in np.unique(which)
    ]
    return float(np.sum(gaps))
