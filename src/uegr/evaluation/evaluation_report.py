"""The result of an evaluation in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from uegr.modeling.metrics import METRICS, metric_title
from uegr.modeling.task_kinds.detection import KINDS


@dataclass(frozen=True, repr=False)
class EvaluationReport:
    """The same parts as a run's entry of results.json; see docs/results-schema.md.

    Args:
        kind: the kind of task.
        test_examples: number of rows.
        metric: name of the first of `metrics`.
        metrics: name -> value, and "typo_..." under typing errors.
        robustness: the robustness curve, or None where no attack on the embeddings was named.
        outcomes: which examples are correctly classified, packed; None for tasks without classes.
        embedding_attacks: the curves of further attacks on the embeddings.
        text_attacks: one object per attack on the text.
        typo_unchanged: number of texts in which no typing error is possible.
        typo_rate: probability of a typing error per word.
        positive_label: the class that "f1" is of; None for tasks without classes.
    """

    kind: str
    test_examples: int
    metric: str
    metrics: dict[str, float]
    robustness: dict[str, Any] | None = None
    outcomes: dict[str, Any] | None = None
    embedding_attacks: Sequence[dict[str, Any]] = field(default_factory=tuple)
    text_attacks: Sequence[dict[str, Any]] = field(default_factory=tuple)
    typo_unchanged: int = 0
    typo_rate: float | None = None
    positive_label: str | None = None

    @property
    def robust_accuracy(self) -> dict[float, float]:
        """Epsilon -> the value of the robustness curve: accuracy, or the metric of tasks without classes."""
        return dict(self._points(self.robustness)) if self.robustness else {}

    def to_dict(self) -> dict[str, Any]:
        """The parts that were measured, as in results.json."""
        parts = {
            "test_examples": self.test_examples,
            "metric": self.metric,
            "metrics": self.metrics,
            "typo_unchanged": self.typo_unchanged or None,
            "typo_rate": self.typo_rate,
            "robustness": self.robustness,
            "outcomes": self.outcomes,
            "text_attacks": list(self.text_attacks),
            "embedding_attacks": list(self.embedding_attacks),
        }
        return {name: part for name, part in parts.items() if part is not None and part != []}

    def __str__(self) -> str:
        lines = [("examples", str(self.test_examples))]
        for name, value in self.metrics.items():
            plain = name.removeprefix("typo_")
            title = metric_title(plain, self.positive_label) + (", with typing errors" if plain != name else "")
            lines.append((title, METRICS[plain].text(value)))
        if self.typo_unchanged:
            lines.append(("texts without a possible typing error", str(self.typo_unchanged)))
        for curve in (*([self.robustness] if self.robustness else []), *self.embedding_attacks):
            metric = METRICS[self._curve]
            lines += [(f"{metric.title}, {curve['attack']} at {e:g}", metric.text(v)) for e, v in self._points(curve)]
        for part in self.text_attacks:
            lines.append((f"accuracy %, {part['attack']}", METRICS["accuracy"].text(part["accuracy"])))
            if part.get("untouched"):
                lines.append((f"texts that {part['attack']} cannot change", str(part["untouched"])))
        width = max(len(title) for title, _ in lines)
        return "\n".join(f"{title:<{width}}  {value:>8}" for title, value in lines)

    __repr__ = __str__

    @property
    def _curve(self) -> str:
        return KINDS[self.kind].curve_metric

    def _points(self, curve: dict[str, Any]) -> list[tuple[float, float]]:
        return list(zip(curve["epsilons"], curve[self._curve], strict=True))
