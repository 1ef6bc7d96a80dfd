from __future__ import annotations

import numpy as np
import pytest
import torch
from datasets import Dataset

from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluator import evaluate
from uegr.evaluation.robustness import robust_mask, robustness_curve
from uegr.evaluation.typo_data import typo_rows

EPSILONS = [0.0, 0.05, 0.2, 0.5, 2.0]


def test_curve_starts_at_the_clean_accuracy_and_falls(subject: EvaluatedModel, rows: Dataset) -> None:
    curve = robustness_curve(subject, rows, reversed(EPSILONS))  # any order will do
    probabilities, labels = subject.probabilities(rows)
    assert curve["epsilons"] == EPSILONS
    assert curve["accuracy"][0] == (probabilities.argmax(1) == labels).mean() > 0.9
    assert curve["accuracy"] == sorted(curve["accuracy"], reverse=True)
    assert curve["accuracy"][-1] < 0.2


def test_an_example_once_fooled_stays_fooled(subject: EvaluatedModel, rows: Dataset) -> None:
    robust = robust_mask(subject, rows, EPSILONS, PGD())
    assert robust.shape == (5, 48)
    assert (np.diff(robust.astype(int), axis=0) <= 0).all()


@pytest.mark.parametrize(("few", "many"), [({"steps": 1}, {"steps": 8}), ({"restarts": 1}, {"restarts": 4})])
def test_more_effort_never_helps_the_defender(
    few: dict[str, int], many: dict[str, int], subject: EvaluatedModel, rows: Dataset
) -> None:
    """Restarts can only fool more; more steps fool no fewer but for noise."""
    weak, strong = (robustness_curve(subject, rows, EPSILONS, PGD(**one))["accuracy"] for one in (few, many))
    noise = 0.0 if "restarts" in few else 2 / 48
    assert all(b <= a + noise for a, b in zip(weak, strong, strict=True))


def test_curve_does_not_depend_on_the_order_of_the_rows(subject: EvaluatedModel, rows: Dataset) -> None:
    one = PGD(restarts=1)
    forwards = robust_mask(subject, rows, EPSILONS, one)
    backwards = robust_mask(subject, rows.select(range(47, -1, -1)), EPSILONS, one)
    assert (forwards == backwards[:, ::-1]).mean() > 0.99


def test_attack_leaves_no_trace(subject: EvaluatedModel, rows: Dataset) -> None:
    before = {key: value.clone() for key, value in subject.model.state_dict().items()}
    # transformers itself leaves hooks in a model that was ever asked for its hidden states
    hooks = [len(module._forward_hooks) for module in subject.model.modules()]
    robustness_curve(subject, rows, [0.1])
    assert all(torch.equal(before[key], value) for key, value in subject.model.state_dict().items())
    assert [len(module._forward_hooks) for module in subject.model.modules()] == hooks


def test_evaluate_reports_every_part_of_the_schema(subject: EvaluatedModel, rows: Dataset) -> None:
    seen: list[int] = []
    result = evaluate(subject, rows, epsilons=[0.0, 0.1], attack_examples=20, on_batch=seen.append)
    assert set(result["metrics"]) == {"accuracy", "nll", "ece", "typo_accuracy"}
    assert result["robustness"]["examples"] == sum(seen) == 20
    assert result["robustness"]["cost"]["examples"] == 20
    assert result["robustness"]["cost"]["forward_passes"] > 0
    assert result["metrics"]["typo_accuracy"] < result["metrics"]["accuracy"]  # unknown words tell nothing


def test_senseless_settings_are_refused(subject: EvaluatedModel, rows: Dataset) -> None:
    for epsilons in ([], [-0.1]):
        with pytest.raises(UsageError, match="epsilons"):
            robustness_curve(subject, rows, epsilons)
    with pytest.raises(UsageError, match="at least one step"):
        PGD(steps=0)
    with pytest.raises(UsageError, match="rate"):
        typo_rows(rows, ["text"], 0.0)


def test_typos_are_the_same_for_every_model(rows: Dataset) -> None:
    first, second = (typo_rows(rows, ["text"], 0.5)["text"] for _ in range(2))
    assert first[:] == second[:]
    assert typo_rows(rows, ["text"], 0.5, seed=1)["text"][:] != first[:]


def test_attacked_examples_are_drawn_from_all_of_a_sorted_split(subject: EvaluatedModel, rows: Dataset) -> None:
    ordered = rows.sort("label")
    curve = evaluate(subject, ordered, epsilons=[0.0], attack_examples=16)["robustness"]
    seen: list[int] = []
    original = subject.batches
    subject.batches = lambda some: (seen.extend(some["label"]), original(some))[1]  # type: ignore[method-assign]
    evaluate(subject, ordered, epsilons=[0.0], attack_examples=16)
    del subject.batches  # type: ignore[method-assign]
    assert curve["examples"] == 16
    assert 0 < sum(seen[-16:]) < 16, "both classes"
