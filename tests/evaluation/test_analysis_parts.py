"""Calibration, selective prediction, foreign texts, similarity and saliency, against closed forms."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from uegr.evaluation.calibration import brier_score, calibration
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.layer_saliency import saliency
from uegr.evaluation.ood import ood_auroc
from uegr.evaluation.risk_coverage import selective
from uegr.evaluation.similarity import Moments, similarity, weight_drift
from uegr.modeling.metrics import expected_calibration_error


def sample(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(classes), n), generator.integers(0, classes, n)


@given(n=st.integers(1, 60), classes=st.integers(2, 5), seed=st.integers(0, 10**6))
def test_the_bins_hold_every_example_and_give_back_accuracy_and_ece(n: int, classes: int, seed: int) -> None:
    probabilities, labels = sample(n, classes, seed)
    part = calibration(probabilities, labels)
    filled = [one for one in part["bins"] if one["count"]]
    counts = np.array([one["count"] for one in filled])
    assert counts.sum() == n
    assert all(one["low"] <= one["confidence"] <= one["high"] + 1e-12 for one in filled)
    assert np.dot(counts, [one["accuracy"] for one in filled]) / n == pytest.approx(part["accuracy"])
    gap = np.dot(counts, [abs(one["accuracy"] - one["confidence"]) for one in filled]) / n
    assert gap == pytest.approx(expected_calibration_error(probabilities, labels))


def test_brier_score_of_two_classes_is_twice_the_squared_miss() -> None:
    assert brier_score(np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([0, 0])) == pytest.approx(0.04 + 0.49)


def test_risk_rises_as_coverage_does_where_confidence_tells_and_not_below_the_oracle() -> None:
    """Four examples; the surest two are right, then one wrong, one right: risks 0, 0, 1/3, 1/4."""
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    part = selective(probabilities, np.array([0, 0, 0, 1]))
    assert part["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert part["risk"] == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert part["aurc"] == pytest.approx((1 / 3 + 1 / 4) / 4)
    assert part["aurc_oracle"] == pytest.approx((1 / 4) / 4)


@given(n=st.integers(1, 300), seed=st.integers(0, 10**6))
def test_selective_ends_at_the_error_rate_and_the_oracle_is_best(n: int, seed: int) -> None:
    probabilities, labels = sample(n, 3, seed)
    part = selective(probabilities, labels)
    assert part["coverage"][-1] == 1.0
    assert part["risk"][-1] == pytest.approx((probabilities.argmax(1) != labels).mean())
    assert part["aurc_oracle"] <= part["aurc"] + 1e-12
    assert len(part["risk"]) == len(part["coverage"]) <= 100


def test_foreign_texts_are_told_by_what_is_less_certain() -> None:
    own, foreign = np.array([[5.0, 0.0], [0.0, 4.0]]), np.array([[0.3, 0.0], [0.1, 0.2]])
    assert ood_auroc(own, foreign) == {"max_softmax": 1.0, "energy": 1.0}
    assert ood_auroc(own, own) == {"max_softmax": 0.5, "energy": 0.5}
    # Sure of itself, yet of little energy: the two scores look at different things.
    assert ood_auroc(np.array([[9.0, 9.0]]), np.array([[0.0, -9.0]])) == {"max_softmax": 0.0, "energy": 1.0}


def moments_of(x: torch.Tensor, y: torch.Tensor) -> Moments:
    moments = Moments(x.shape[1])
    for part in range(0, len(x), 7):
        moments.add(x[part : part + 7].double(), y[part : part + 7].double())
    return moments


def test_cka_sees_through_rotation_shift_and_scale_and_cosine_does_not() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 8, generator=generator)
    rotation, _ = torch.linalg.qr(torch.randn(8, 8, generator=generator))
    assert moments_of(x, 3.0 * x @ rotation + 2.0).cka() == pytest.approx(1.0, abs=1e-6)
    assert moments_of(x, torch.randn(400, 8, generator=generator)).cka() < 0.1
    assert moments_of(x, -2.0 * x).cosine() == pytest.approx(-1.0)


def test_cka_is_that_of_the_definition() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(50, 6, generator=generator).double()
    y = x + torch.randn(50, 6, generator=generator).double()
    centre = torch.eye(50).double() - 1 / 50
    k, m = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    assert moments_of(x, y).cka() == pytest.approx(float((k * m).sum() / (k.norm() * m.norm())))


def test_a_model_is_like_itself_and_changed_weights_show_in_their_layer(subject: EvaluatedModel, rows: Dataset) -> None:
    twin = copy.deepcopy(subject.model)
    same = similarity(subject, twin, rows)
    assert same["layers"] == ["embeddings", "layer 1", "layer 2"]
    assert same["cka"] == pytest.approx([1, 1, 1]) and same["cosine"] == pytest.approx([1, 1, 1])
    assert same["drift"] == [0, 0, 0] and same["drift_total"] == 0
    with torch.no_grad():
        for weight in twin.bert.encoder.layer[1].parameters():
            weight.mul_(2.0)
        twin.classifier.weight.mul_(5.0)  # the head does not count
    other = similarity(subject, twin, rows)
    assert other["drift"] == pytest.approx([0, 0, 0.5])
    assert 0 < other["drift_total"] < 0.5
    assert other["cka"][:2] == pytest.approx([1, 1]) and other["cka"][2] < 1
    assert set(weight_drift(subject.model, twin)) == {"embeddings", "layer 1", "layer 2", "bert.pooler", "total"}


def test_saliency_is_the_mean_squared_gradient(subject: EvaluatedModel, rows: Dataset) -> None:
    part = saliency(subject, rows.select(range(8)), batch_size=8)
    assert [one["name"] for one in part["parameters"]] == [name for name, _ in subject.model.named_parameters()]
    _, batch = next(subject.batches(rows.select(range(8))))
    weight = subject.model.classifier.bias.requires_grad_(True)
    with torch.enable_grad():
        loss = torch.nn.functional.cross_entropy(subject.logits(batch), batch["labels"])
    expected = float(torch.autograd.grad(loss, weight)[0].square().mean())
    subject.model.requires_grad_(False)
    assert part["parameters"][-1]["saliency"] == pytest.approx(expected, rel=1e-3)
    assert part["parameters"][-1]["elements"] == 2
