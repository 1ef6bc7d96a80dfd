"""The shares of the labels are those of the steps before, whatever the number of batches per step."""

from __future__ import annotations

import torch
from torch import Tensor

from uegr.forward.label_statistics import LabelStatistics


def counts(*labels: float) -> Tensor:
    """The number of targets, and how many have each label."""
    return torch.tensor([sum(labels), *labels])


def test_a_step_sees_the_counts_of_the_steps_before_it() -> None:
    statistics = LabelStatistics()
    assert statistics.observe(counts(3, 1), 0) is None
    torch.testing.assert_close(statistics.observe(counts(0, 4), 1), torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(statistics.observe(counts(1, 1), 2), torch.tensor([3 / 8, 5 / 8]))


def test_accumulated_batches_of_a_step_see_the_same_shares() -> None:
    statistics = LabelStatistics()
    assert statistics.observe(counts(2, 0), 0) is None
    assert statistics.observe(counts(1, 1), 0) is None
    for batch_counts in (counts(9, 0), counts(0, 9)):
        torch.testing.assert_close(statistics.observe(batch_counts, 1), torch.tensor([0.75, 0.25]))


def test_the_state_is_remembered() -> None:
    statistics, resumed = LabelStatistics(), LabelStatistics()
    statistics.observe(counts(3, 1), 0)
    resumed.load_state_dict(statistics.state_dict())
    assert torch.equal(statistics.observe(counts(1, 0), 1), resumed.observe(counts(1, 0), 1))  # type: ignore[arg-type]


def test_counts_of_an_earlier_version_in_another_shape_are_replaced() -> None:
    """Those of a regression with several outputs were once of all outputs together."""
    statistics = LabelStatistics()
    statistics.load_state_dict({"past": torch.tensor([4.0, 6.0, 9.0]), "present": None, "step": 0})
    statistics.observe(counts(3, 1, 2, 2), 1)
    torch.testing.assert_close(statistics.observe(counts(8, 0, 0, 0), 2), torch.tensor([3 / 8, 1 / 8, 2 / 8, 2 / 8]))
