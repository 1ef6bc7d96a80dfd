"""Which tokens of a batch are real."""

from __future__ import annotations

import torch

from support.small_models import batch
from uegr.modeling.real_tokens import token_mask


def test_the_mask_is_one_on_real_tokens() -> None:
    data = batch()
    assert torch.equal(token_mask(data).squeeze(-1), data["attention_mask"].float())
    assert torch.equal(token_mask({"input_ids": data["input_ids"]}), torch.ones(4, 7, 1))


def test_choices_of_an_example_are_rows_of_tokens() -> None:
    data = {"input_ids": torch.ones(2, 3, 5, dtype=torch.long), "attention_mask": torch.ones(2, 3, 5)}
    data["attention_mask"][1, 2, 4] = 0
    mask = token_mask(data)
    assert mask.shape == (6, 5, 1)
    assert mask[5, 4] == 0 and mask.sum() == 29
