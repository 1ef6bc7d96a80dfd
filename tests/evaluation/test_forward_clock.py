"""The cost of an evaluation in forward passes."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset
from torch import Tensor

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.forward_clock import Clock


def test_the_timed_work_begins_and_ends_when_the_accelerator_is_done(
    evaluated: EvaluatedModel, rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    logits = EvaluatedModel.logits

    def recorded(self: EvaluatedModel, batch: dict[str, Tensor]) -> Tensor:
        events.append("pass")
        return logits(self, batch)

    monkeypatch.setattr(EvaluatedModel, "logits", recorded)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: events.append("wait"))
    few = rows.select(range(2))
    clock = Clock(evaluated, few)
    assert events == ["pass", "wait", "pass", "wait"]  # the first pass warms up
    with clock.measure() as cost:
        pass
    assert events[4:] == ["wait", "wait"]
    assert cost["examples"] == 2
    assert cost["forward_passes"] == cost["seconds"] / clock.forward
