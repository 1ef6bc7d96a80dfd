"""A model may return an object or a dict, in training and in evaluations alike."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from support.small_models import Linear, batch, bert
from uegr import PGDConfig, UsageError, attacks
from uegr.modeling.output_logits import logits_in


class Returning(Linear):
    """A model whose forward returns its logits in the given form."""

    def __init__(self, form: Any) -> None:
        super().__init__()
        self.form = form

    def forward(self, **inputs: Any) -> Any:
        return self.form(super().forward(**inputs).logits)


def test_a_model_that_returns_a_dict_is_trained_and_attacked() -> None:
    model = Returning(lambda logits: {"logits": logits})
    method = PGDConfig().attach(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    method.loss(batch()).backward()
    expected = attacks.PGD()(Linear(), batch(), [0.0, 0.5])
    assert attacks.PGD()(model, batch(), [0.0, 0.5]).accuracy == expected.accuracy


def test_a_model_that_returns_a_tuple_is_told_what_to_return() -> None:
    model = Returning(lambda logits: (logits,))
    with pytest.raises(UsageError, match="Returning returns no .logits"):
        attacks.PGD()(model, batch(), [0.5])


@pytest.mark.parametrize("output", [None, {"logits": None}, {"scores": torch.ones(1)}, torch.ones(1)])
def test_an_output_without_logits_is_refused(output: Any) -> None:
    with pytest.raises(UsageError, match="Identity returns no .logits"):
        logits_in(output, nn.Identity())


def test_a_model_that_is_told_to_return_tuples_is_told_how_to_change_it() -> None:
    with pytest.raises(UsageError, match=r"set model\.config\.return_dict = True"):
        attacks.PGD()(bert(return_dict=False), batch(), [0.5])
