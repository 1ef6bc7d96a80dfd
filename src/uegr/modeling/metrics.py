"""The published metrics of the tasks, and the likelihood of predicted probabilities."""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sklearn_metrics

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]
Values = NDArray[np.float64]
ENTITY_PREFIXES = {"B-": "B-", "I-": "I-", "E-": "E-", "S-": "S-", "L-": "E-", "U-": "S-", "M-": "I-"}
"""Prefixes of tags that say where in an entity a word stands, and those of seqeval: L- and U- of BILOU, M- of BMES."""


@dataclass(frozen=True)
class Metric:
    """How a number that was measured on a model is shown and read.

    Args:
        title: heading in tables, or the unit beside another heading.
        percent: whether it is shown times 100; the stored value is the fraction.
        lower_is_better: whether a lower value is better.
        lowest, highest: of the values that are possible.
        number: the format of a value in tables; "": with the decimals of `scale`. A squared error, whose unit is the
            label's, has four digits.
    """

    title: str
    percent: bool = True
    lower_is_better: bool = False
    lowest: float = 0.0
    highest: float = 1.0
    number: str = ""

    def clip(self, interval: tuple[float, float]) -> tuple[float, float]:
        """The part of the interval of a value that is possible."""
        low, high = np.clip(interval, self.lowest, self.highest)
        return float(low), float(high)

    def clip_difference(self, interval: tuple[float, float]) -> tuple[float, float]:
        """The part of the interval of a difference of two values that is possible."""
        width = self.highest - self.lowest
        low, high = np.clip(interval, -width, width)
        return float(low), float(high)

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is better."""
        return -1 if self.lower_is_better else 1

    @property
    def scale(self) -> tuple[int, int]:
        """The factor and the number of decimals with which it is shown."""
        return (100, 1) if self.percent else (1, 3)

    def text(self, value: float) -> str:
        """A value for tables."""
        factor, decimals = self.scale
        return format(factor * value, self.number or f".{decimals}f")


METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy %"),
    "f1": Metric("F1 %"),
    "macro_f1": Metric("macro F1 %"),
    "micro_f1": Metric("micro F1 %"),
    "exact_match": Metric("exact match %"),
    "matthews": Metric("Matthews %", lowest=-1.0),
    "map": Metric("MAP %"),
    "mrr": Metric("MRR %"),
    "pearson": Metric("Pearson %", lowest=-1.0),
    "spearman": Metric("Spearman %", lowest=-1.0),
    "mse": Metric("MSE", percent=False, lower_is_better=True, highest=math.inf, number=".4g"),
    "bleu": Metric("BLEU"),
    "perplexity": Metric("perplexity", percent=False, lower_is_better=True, lowest=1.0, highest=math.inf),
    "entity_f1": Metric("entity F1 %"),
    "token_accuracy": Metric("token accuracy %"),
    "nll": Metric("NLL", percent=False, lower_is_better=True, highest=math.inf),
    "ece": Metric("ECE", percent=False, lower_is_better=True),
}
"""Every metric that a registry entry or results.json may name."""


def metric_title(name: str, positive_label: str | None = None) -> str:
    """A metric's heading in tables; F1 of two classes names its class."""
    title = METRICS[name].title
    return f"F1 of {positive_label} %" if name == "f1" and positive_label is not None else title


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of examples whose most probable class is the label, in [0, 1]."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def f1(probabilities: Probabilities, labels: Labels, positive: int = 1) -> float:
    """F1 of one class, in [0, 1]; 0 where it is neither predicted nor a label (GLUE's MRPC and QQP: class 1)."""
    predicted = probabilities.argmax(axis=1) == positive
    return float(sklearn_metrics.f1_score(labels == positive, predicted, zero_division=0.0))


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """Unweighted mean over the classes of their F1, in [0, 1]: a rare class counts as much as a frequent one.

    As in scikit-learn, a class that is neither predicted nor a label is left out: its F1 is not defined.
    """
    predicted = probabilities.argmax(axis=1)
    return float(sklearn_metrics.f1_score(labels, predicted, average="macro", zero_division=0.0))


def matthews(probabilities: Probabilities, labels: Labels) -> float:
    """Matthews correlation of label and most probable class, in [-1, 1]; 0 for a constant prediction (CoLA)."""
    return float(sklearn_metrics.matthews_corrcoef(labels, probabilities.argmax(axis=1)))


def mean_average_precision(probabilities: Probabilities, labels: Labels, groups: Iterable[Any]) -> float:
    """MAP: candidates of a question (group) ranked by P(class 1), over questions with a correct candidate (WikiQA)."""
    ranked = _ranked(probabilities, labels, groups)
    return _mean([float(sklearn_metrics.average_precision_score(y, p)) for p, y in ranked])


def mean_reciprocal_rank(probabilities: Probabilities, labels: Labels, groups: Iterable[Any]) -> float:
    """MRR: 1 / rank of the first correct candidate, over questions with a correct one (WikiQA)."""
    return _mean([1 / _first_correct_rank(p, y == 1) for p, y in _ranked(probabilities, labels, groups)])


def _first_correct_rank(scores: Values, correct: NDArray[np.bool_]) -> float:
    """Rank of the best correct candidate; among equal scores its mean rank over all orders."""
    best = scores[correct].max()
    equal = scores == best
    return float((scores > best).sum() + (equal.sum() + 1) / ((equal & correct).sum() + 1))


def _mean(values: Sequence[float]) -> float:
    """The mean, or 0 where no question has a correct candidate, so that results.json holds a number."""
    return float(np.mean(values)) if values else 0.0


def _ranked(probabilities: Probabilities, labels: Labels, groups: Iterable[Any]) -> list[tuple[Values, Labels]]:
    _, group_of_row = np.unique(np.array([str(group) for group in groups]), return_inverse=True)
    order = np.argsort(group_of_row, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(group_of_row[order])) + 1)
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
    """Linear correlation, in [-1, 1]; 0 for a constant prediction."""
    return float(stats.pearsonr(predictions, labels).statistic) if _varies(predictions, labels) else 0.0


def spearman(predictions: Values, labels: Values) -> float:
    """Rank correlation, in [-1, 1]; 0 for a constant prediction."""
    return float(stats.spearmanr(predictions, labels).statistic) if _varies(predictions, labels) else 0.0


def mean_squared_error(predictions: Values, labels: Values) -> float:
    """Mean of (prediction - label)^2, in squared units of the label."""
    return float(np.square(predictions - labels).mean())


def _varies(*series: Values) -> bool:
    return all(len(values) > 1 and np.ptp(values) > 0 for values in series)


REGRESSION: dict[str, Callable[[Values, Values], float]] = {
    "pearson": pearson,
    "spearman": spearman,
    "mse": mean_squared_error,
}


def micro_f1(decisions: Values, labels: Values) -> float:
    """F1 over all decisions (N, C) of 0 or 1 together, in [0, 1]."""
    return float(sklearn_metrics.f1_score(labels.ravel(), decisions.ravel(), zero_division=0.0))


def label_macro_f1(decisions: Values, labels: Values) -> float:
    """Unweighted mean over the labels of their F1, in [0, 1]."""
    columns = zip(
        labels.T, decisions.T, strict=True
    )  # of one label, average="macro" is the mean over present and absent
    return float(np.mean([sklearn_metrics.f1_score(*column, zero_division=0.0) for column in columns]))


def exact_match(decisions: Values, labels: Values) -> float:
    """Share of examples with every label correct, in [0, 1]."""
    return float((decisions == labels).all(axis=1).mean())


MULTI_LABEL: dict[str, Callable[[Values, Values], float]] = {
    "micro_f1": micro_f1,
    "macro_f1": label_macro_f1,
    "exact_match": exact_match,
}


def bleu(texts: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU with sacrebleu's defaults (Papineni et al. 2002; Post 2018, tokenizer 13a), as a fraction."""
    import sacrebleu

    return float(sacrebleu.corpus_bleu(list(texts), [list(references)]).score) / 100


def entity_f1(predicted: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]) -> float:
    """F1 of whole entities over all texts, in [0, 1]; an entity counts if its ends and its type are correct.

    By seqeval (Nakayama 2018), for tags such as B-person and I-person, of the schemes BIO, BIOES, BILOU and BMES. Tags
    without such prefixes are compared one by one, and the tag O (0 among numbers) is left out.

    Args:
        predicted, labels: the tags of the words of each text.
    """
    prefixes = {tag[:2] for row in labels for tag in row if tag != "O"}
    if not prefixes <= ENTITY_PREFIXES.keys() or ("M-" in prefixes and "B-" not in prefixes):
        pairs = [pair for rows in zip(predicted, labels, strict=True) for pair in zip(*rows, strict=True)]
        outside = "O" if any("O" in pair for pair in pairs) else "0"
        inside = sorted({tag for pair in pairs for tag in pair} - {outside})
        guesses, truth = zip(*pairs, strict=True)
        return float(sklearn_metrics.f1_score(truth, guesses, labels=inside, average="micro", zero_division=0.0))
    from seqeval.metrics import f1_score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about texts without entities
        return float(f1_score(*(list(map(_seqeval_tags, rows)) for rows in (labels, predicted)), zero_division=0))


def _seqeval_tags(tags: Sequence[str]) -> list[str]:
    """Tags with the prefixes that seqeval reads: by others it would join entities that stand side by side."""
    return [ENTITY_PREFIXES.get(tag[:2], tag[:2]) + tag[2:] for tag in tags]


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of -log P(label), in nats; a probability below the smallest float32 counts as that number, 103 nats."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, np.finfo(np.float32).smallest_subnormal)).mean())
