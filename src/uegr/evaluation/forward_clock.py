"""The cost of an evaluation: its time, in units of one forward pass per example."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from datasets import Dataset

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.model_state import evaluation_mode
from uegr.modeling.profile import now


class Clock:
    """Measures work against one forward pass over the same rows, in the same process.

    Args:
        evaluated, rows: one batch is run to warm up, then the pass is timed.
    """

    def __init__(self, evaluated: EvaluatedModel, rows: Dataset) -> None:
        self.examples = len(rows)
        _one_pass(evaluated, rows.select(range(min(evaluated.batch_size, len(rows)))))
        with _elapsed() as seconds:
            _one_pass(evaluated, rows)
        self.forward = seconds[0]

    @contextmanager
    def measure(self) -> Iterator[dict[str, Any]]:
        """Yield a dict that holds {"seconds", "examples", "forward_passes"} once the work is done."""
        cost: dict[str, Any] = {}
        with _elapsed() as seconds:
            yield cost
        cost |= {"seconds": seconds[0], "examples": self.examples, "forward_passes": seconds[0] / self.forward}


@torch.no_grad()
def _one_pass(evaluated: EvaluatedModel, rows: Dataset) -> None:
    with evaluation_mode(evaluated.model):
        for _, batch in evaluated.batches(rows):
            evaluated.logits(batch)


@contextmanager
def _elapsed() -> Iterator[list[float]]:
    start, seconds = now(), [0.0]
    yield seconds
    seconds[0] = now() - start
