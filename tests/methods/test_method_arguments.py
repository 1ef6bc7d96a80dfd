"""The number of targets that a loop gives to the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conftest import batch, bert
from support.attached_methods import attached
from uegr.errors import UsageError
from uegr.methods.method_lookup import METHODS


@pytest.mark.parametrize("number", [0, -1, 0.5, float("nan"), torch.tensor(0), np.int64(0)])
def test_a_number_of_targets_that_a_batch_exceeds_is_refused(number: Any) -> None:
    method = attached("plain", bert())
    with pytest.raises(UsageError, match=r"num_items must be the number of targets in all accumulated batches"):
        method.loss(batch(), num_items=number)


@pytest.mark.parametrize("number", ["4", True, torch.ones(2), [4]])
def test_what_is_no_number_of_targets_is_refused(number: Any) -> None:
    with pytest.raises(UsageError, match="num_items must be one number"):
        attached("plain", bert()).loss(batch(), num_items=number)


@pytest.mark.parametrize("number", [None, 0, torch.tensor(0)])
@pytest.mark.parametrize("name", METHODS)
def test_batches_without_a_target_have_the_loss_0(name: str, number: Any) -> None:
    data = {**batch(), "labels": torch.full((4,), -100)}
    loss = attached(name, bert()).loss(data, num_items=number)
    loss.backward()
    assert loss.item() == 0.0
