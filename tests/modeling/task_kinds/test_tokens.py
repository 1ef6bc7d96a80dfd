"""One class per token: positions that are no target count nowhere."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import Tensor

from uegr.modeling.task_kinds.task_kind import concatenate_outputs
from uegr.modeling.task_kinds.tokens import Tokens


def tokens(labels: Tensor) -> Tokens:
    """The kind of task with labels (B, T)."""
    return Tokens(labels.reshape(-1), batch_size=len(labels))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 5), st.integers(0, 99))
def test_terms_do_not_depend_on_padding(examples: int, length: int, padding: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = [torch.randn(examples, length, 4, generator=generator) for _ in range(2)]
    labels = torch.randint(0, 4, (examples, length), generator=generator)
    padded_logits = [F.pad(logits_of_pass, (0, 0, 0, padding), value=3.0) for logits_of_pass in logits]
    short, padded = tokens(labels), tokens(F.pad(labels, (0, padding), value=-100))
    torch.testing.assert_close(short.mean(short.loss(logits[0])), padded.mean(padded.loss(padded_logits[0])))
    divergences = [
        kind.mean(kind.divergence_per_pass(values).mean(dim=0))
        for kind, values in ((short, logits), (padded, padded_logits))
    ]
    torch.testing.assert_close(*divergences)
    per_example = [
        kind.mean_per_example(kind.confidence(values))
        for kind, values in ((short, logits[0]), (padded, padded_logits[0]))
    ]
    torch.testing.assert_close(*per_example)


def test_label_counts_leave_out_what_is_no_target() -> None:
    assert tokens(torch.tensor([[0, 2, -100], [2, 3, -100]])).label_counts(4).tolist() == [4, 1, 0, 2, 1]


def test_the_mean_per_example_counts_the_targets_of_each() -> None:
    task = tokens(torch.tensor([[0, 1, -100], [-100, -100, -100]]))
    values = torch.tensor([1.0, 3.0, 9.0, 9.0, 9.0, 9.0])
    assert task.mean_per_example(values).tolist() == [2.0, 0.0]


def test_outputs_of_batches_of_different_length_give_one_metric() -> None:
    """Positions that are no target do not count, nor does the padding between batches."""
    short = Tokens.from_batch(torch.tensor([[1, -100]]))
    long = Tokens.from_batch(torch.tensor([[0, 2, 1]]))
    first = short.outputs(10.0 * F.one_hot(torch.tensor([[1, 0]]), 3).float())
    second = long.outputs(10.0 * F.one_hot(torch.tensor([[0, 1, 1]]), 3).float())
    outputs = concatenate_outputs([first.numpy(), second.numpy()])
    assert outputs.shape == (2, 3, 3)
    scores = Tokens.metrics(outputs, np.empty(0))
    assert scores["token_accuracy"] == pytest.approx(3 / 4)
    assert scores["nll"] == pytest.approx((3 * 9.08e-5 + 10.0) / 4, rel=1e-3)
