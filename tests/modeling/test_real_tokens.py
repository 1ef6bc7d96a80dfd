"""Which tokens of a batch are real."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from support.attached_methods import attached
from support.small_models import batch, bert
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


def pairs(data: dict[str, Tensor], form: str) -> Tensor:
    """The mask of all pairs of tokens in one of the forms that transformers takes."""
    read = data["attention_mask"].bool()[:, None, :].expand(-1, 7, -1)
    if form == "causal":
        return read & torch.ones(7, 7, dtype=torch.bool).tril()
    four = read[:, None]
    return {"whole": read.long(), "bool": four, "added": torch.zeros(4, 1, 7, 7).masked_fill(~four, -1e9)}[form]


@pytest.mark.parametrize("form", ["whole", "causal", "bool", "added"])
def test_padding_is_what_no_token_attends_to_where_the_mask_is_of_pairs(form: str) -> None:
    data = batch()
    mask = token_mask({**data, "attention_mask": pairs(data, form)})
    assert torch.equal(mask, token_mask(data))


@pytest.mark.parametrize("name", ["fgm", "freelb", "uegr"])
def test_a_mask_of_pairs_trains_as_the_mask_of_tokens_does(name: str) -> None:
    data, losses = batch(), []
    for mask in (data["attention_mask"], pairs(data, "bool")):
        method = attached(name, bert(dropout=0.0))
        losses.append(method.loss({**data, "attention_mask": mask}))
    torch.testing.assert_close(*losses)
