"""Several labels per example: binary cross-entropy, and confidence above chance."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from uegr.modeling.task_kinds.multi_label import MultiLabel

LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.randint(0, 2, (6, 3), generator=torch.Generator().manual_seed(1)).float()


def test_the_loss_is_that_of_torch() -> None:
    task = MultiLabel(LABELS, batch_size=6)
    torch.testing.assert_close(task.mean(task.loss(LOGITS)), F.binary_cross_entropy_with_logits(LOGITS, LABELS))


def test_a_class_weight_multiplies_the_loss_where_its_label_is_present() -> None:
    weights = torch.tensor([0.5, 1.0, 4.0])
    unweighted = F.binary_cross_entropy_with_logits(LOGITS, LABELS, reduction="none")
    expected = (unweighted * (1 + LABELS * (weights - 1))).mean(dim=-1)
    torch.testing.assert_close(MultiLabel(LABELS, weights, 6).loss(LOGITS), expected)


def test_confidence_is_one_for_certain_and_right_and_zero_for_undecided() -> None:
    logits = torch.tensor([[40.0, -40.0], [0.0, 0.0]])
    task = MultiLabel(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), batch_size=2)
    torch.testing.assert_close(task.confidence(logits), torch.tensor([1.0, 0.0]))


def test_a_model_that_predicts_the_shares_of_rare_labels_has_confidence_zero() -> None:
    """A label that is present in one example of ten: "absent" is right nine times in ten."""
    shares = torch.tensor([0.1, 0.1])
    constant = torch.logit(shares).expand(2, 2)
    task = MultiLabel(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), batch_size=2)
    assert float(task.confidence(constant)[0]) == pytest.approx(0.8)
    torch.testing.assert_close(task.confidence(constant, shares), torch.zeros(2), atol=1e-6, rtol=0.0)


def test_label_counts_are_per_label() -> None:
    assert MultiLabel(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), batch_size=2).label_counts(2).tolist() == [2, 2, 1]
