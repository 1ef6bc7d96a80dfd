"""Cross-entropy, confidence and label counts of one class per example."""

from __future__ import annotations

import hypothesis.strategies as st
import torch
import torch.nn.functional as F
from hypothesis import given

from uegr.modeling.divergence import jensen_shannon_per_pass, symmetric_kl
from uegr.modeling.task_kinds.classification import Classification

LOGITS, LABELS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 2, 1, 0])


def test_the_loss_is_that_of_torch() -> None:
    task = Classification(LABELS, batch_size=6)
    torch.testing.assert_close(task.mean(task.loss(LOGITS)), F.cross_entropy(LOGITS, LABELS))
    assert task.loss(LOGITS.bfloat16()).dtype == torch.float32


def test_class_weights_are_those_of_torch_before_its_division() -> None:
    weights = torch.tensor([0.5, 1.0, 4.0])
    expected = F.cross_entropy(LOGITS, LABELS, weight=weights, reduction="none")
    torch.testing.assert_close(Classification(LABELS, weights, 6).loss(LOGITS), expected)


def test_num_items_takes_the_place_of_the_number_of_targets() -> None:
    halves = (slice(0, 1), slice(1, 6))
    parts = [Classification(LABELS[half], batch_size=1) for half in halves]
    summed = sum(part.mean(part.loss(LOGITS[half]), 6) for part, half in zip(parts, halves, strict=True))
    torch.testing.assert_close(summed, F.cross_entropy(LOGITS, LABELS))


def test_divergences_are_those_of_the_softmax() -> None:
    task, second = Classification(LABELS, batch_size=6), LOGITS.flip(0)
    first_log, second_log = LOGITS.log_softmax(-1), second.log_softmax(-1)
    expected = jensen_shannon_per_pass(torch.stack([first_log, second_log]))
    torch.testing.assert_close(task.divergence_per_pass([LOGITS, second]), expected)
    torch.testing.assert_close(task.symmetric_kl(LOGITS, second), symmetric_kl(first_log, second_log))


@given(st.integers(2, 5), st.integers(0, 99))
def test_confidence_is_the_probability_on_the_scale_from_chance_to_certainty(classes: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(6, classes, generator=generator)
    labels = torch.randint(0, classes, (6,), generator=generator)
    confidence = Classification(labels, batch_size=6).confidence(logits)
    probability = logits.softmax(dim=-1).gather(1, labels.unsqueeze(1)).squeeze(1)
    assert bool(((confidence >= 0) & (confidence <= 1)).all())
    torch.testing.assert_close(confidence, ((probability - 1 / classes) / (1 - 1 / classes)).clamp_min(0.0))


@given(st.integers(2, 5), st.integers(0, 99))
def test_a_model_that_predicts_the_shares_of_the_labels_has_confidence_zero(classes: int, seed: int) -> None:
    shares = torch.rand(classes, generator=torch.Generator().manual_seed(seed)).softmax(dim=0)
    task, constant = Classification(torch.arange(classes), batch_size=classes), shares.log().expand(classes, classes)
    torch.testing.assert_close(task.confidence(constant, shares), torch.zeros(classes), atol=1e-6, rtol=0.0)
    certain = 60.0 * torch.eye(classes)
    assert task.confidence(certain, shares).tolist() == [1.0] * classes


def test_label_counts_begin_with_the_number_of_targets() -> None:
    assert Classification(LABELS, batch_size=6).label_counts(4).tolist() == [6, 2, 2, 2, 0]


def test_labels_that_are_no_classes_count_among_the_targets_only() -> None:
    task = Classification(torch.tensor([0, 3, -1, 2, -100]), batch_size=5)
    counts = task.label_counts(3)
    assert counts.tolist() == [4, 1, 0, 1]
    assert bool(task.counts_other_labels(counts))
    assert not Classification(LABELS, batch_size=6).counts_other_labels(
        Classification(LABELS, batch_size=6).label_counts(3)
    )
    assert task.confidence(torch.zeros(5, 3), counts[1:] / counts[0]).isfinite().all()
