"""By how much a layer lengthens its rows is measured without a trace."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from support.small_models import batch, bert, logits_of
from uegr.evaluation.attacks.pgd import PGD
from uegr.modeling.embedding_factor import output_factor


class Scaled(nn.Embedding):
    """An embedding layer that multiplies its rows by 32 and has dropout, as a layer of the user's own may."""

    def forward(self, input: Tensor) -> Tensor:  # the name in torch
        return 32.0 * nn.functional.dropout(super().forward(input), 0.5, self.training)


class OfPairs(nn.Embedding):
    """A layer that takes something else than token ids."""

    def forward(self, input: Tensor, second: Tensor) -> Tensor:
        return 32.0 * super().forward(input) + second


def test_a_layer_that_scales_is_measured_and_left_as_it_was() -> None:
    layer, calls = Scaled(9, 4, padding_idx=0), []
    layer.register_forward_hook(lambda *_: calls.append(1))
    state = torch.get_rng_state()
    assert output_factor(layer) == 32.0
    assert layer.training and not calls
    assert torch.equal(torch.get_rng_state(), state)
    assert layer.weight.grad is None


def test_a_plain_layer_and_one_that_cannot_be_called_have_the_factor_1() -> None:
    assert output_factor(nn.Embedding(9, 4)) == 1.0
    assert output_factor(OfPairs(9, 4)) == 1.0
    assert output_factor(nn.Linear(4, 9)) == 1.0
    assert output_factor(Scaled(9, 4, device="meta")) == 1.0
    assert output_factor(Scaled(1, 4, padding_idx=0)) == 1.0


def test_an_attack_is_as_strong_on_a_model_that_scales_its_embeddings() -> None:
    """A power of two gives the same logits bit for bit."""
    model, data = bert(dropout=0.0).eval(), batch(16)
    data["labels"] = logits_of(model, data).argmax(-1)
    scaled, rows = copy.deepcopy(model), model.get_input_embeddings()
    layer = Scaled(*rows.weight.shape, padding_idx=rows.padding_idx).eval()
    layer.weight = nn.Parameter(rows.weight.detach() / 32.0)
    scaled.set_input_embeddings(layer)
    assert torch.equal(logits_of(model, data), logits_of(scaled, data))
    curves = [PGD(steps=5)(attacked, data, epsilons=[0.02, 0.1, 0.3]).accuracy for attacked in (model, scaled)]
    assert curves[0] == curves[1]
    assert curves[0][0] > curves[0][-1]
