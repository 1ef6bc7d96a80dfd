"""What an evaluation costs: its time, in units of one forward pass an example."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from datasets import Dataset

from uegr.evaluation.evaluated_model import EvaluatedModel


class Clock:
    """Measures pieces of work against one forward pass over the same rows, in the same process.

    Args:
        subject, rows: one warm-up batch is run, then the pass is timed.
    """

    def __init__(self, subject: EvaluatedModel, rows: Dataset) -> None:
        self.examples = len(rows)
        _one_pass(subject, rows.select(range(min(subject.batch_size, len(rows)))))
        with _elapsed(subject) as seconds:
            _one_pass(subject, rows)
        self.subject, self.forward = subject, seconds[0]

    @contextmanager
    def measure(self) -> Iterator[dict[str, Any]]:
        """Fills the dict it gives when the work is done: {"seconds", "examples", "forward_passes"}."""
        cost: dict[str, Any] = {}
        with _elapsed(self.subject) as seconds:
            yield cost
        cost |= {"seconds": seconds[0], "examples": self.examples, "forward_passes": seconds[0] / self.forward}


@torch.no_grad()
def _one_pass(subject: EvaluatedModel, rows: Dataset) -> None:
    for _, batch in subject.batches(rows):
        subject.logits(batch)


@contextmanager
def _elapsed(subject: EvaluatedModel) -> Iterator[list[float]]:
    started, seconds = time.perf_counter(), [0.0]
    yield seconds
    if subject.model.device.type == "cuda":
        torch.cuda.synchronize()
    seconds[0] = time.perf_counter() - started
