"""The robustness curve of a classifier."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from datasets import Dataset

from support.robustness_curves import robustness_curve
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import robust_mask
from uegr.evaluation.typo_data import typo_rows

EPSILONS = [0.0, 0.05, 0.2, 0.5, 2.0]


def test_curve_starts_at_the_clean_accuracy_and_falls(evaluated: EvaluatedModel, rows: Dataset) -> None:
    curve = robustness_curve(evaluated, rows, reversed(EPSILONS))  # any order will do
    probabilities, labels = evaluated.probabilities(rows)
    assert curve["epsilons"] == EPSILONS
    assert curve["accuracy"][0] == (probabilities.argmax(1) == labels).mean() > 0.9
    assert curve["accuracy"] == sorted(curve["accuracy"], reverse=True)
    assert curve["accuracy"][-1] < 0.2


def test_an_example_once_fooled_stays_fooled(evaluated: EvaluatedModel, rows: Dataset) -> None:
    robust = robust_mask(evaluated, rows, EPSILONS, PGD())
    assert robust.shape == (5, 48)
    assert (np.diff(robust.astype(int), axis=0) <= 0).all()


@pytest.mark.parametrize(("few", "many"), [({"steps": 1}, {"steps": 8}), ({"restarts": 1}, {"restarts": 4})])
def test_more_effort_never_helps_the_defender(
    few: dict[str, int], many: dict[str, int], evaluated: EvaluatedModel, rows: Dataset
) -> None:
    """Restarts can only fool more; more steps fool no fewer but for noise."""
    weak, strong = (robustness_curve(evaluated, rows, EPSILONS, PGD(**options))["accuracy"] for options in (few, many))
    noise = 0.0 if "restarts" in few else 2 / 48
    assert all(b <= a + noise for a, b in zip(weak, strong, strict=True))


def test_curve_does_not_depend_on_the_order_of_the_rows(evaluated: EvaluatedModel, rows: Dataset) -> None:
    attack = PGD(restarts=1)
    forwards = robust_mask(evaluated, rows, EPSILONS, attack)
    backwards = robust_mask(evaluated, rows.select(range(47, -1, -1)), EPSILONS, attack)
    assert (forwards == backwards[:, ::-1]).mean() > 0.99


def test_attack_leaves_no_trace(evaluated: EvaluatedModel, rows: Dataset) -> None:
    before = {key: value.clone() for key, value in evaluated.model.state_dict().items()}
    # transformers itself leaves hooks in a model that was ever asked for its hidden states
    hooks = [len(module._forward_hooks) for module in evaluated.model.modules()]
    robustness_curve(evaluated, rows, [0.1])
    assert all(torch.equal(before[key], value) for key, value in evaluated.model.state_dict().items())
    assert [len(module._forward_hooks) for module in evaluated.model.modules()] == hooks


def test_senseless_settings_are_refused(evaluated: EvaluatedModel, rows: Dataset) -> None:
    for epsilons in ([], [-0.1]):
        with pytest.raises(UsageError, match="epsilons"):
            robustness_curve(evaluated, rows, epsilons)
    with pytest.raises(UsageError, match="at least one step"):
        PGD(steps=0)
    with pytest.raises(UsageError, match="rate"):
        typo_rows(rows, ["text"], 0.0)
