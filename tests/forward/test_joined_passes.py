"""The passes of a step as one batch equal the passes one after another, dropout included."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from support.small_models import Linear, batch, bert, gradients_of, recompute_activations
from support.stages import AlwaysJoined, stage_of, step
from uegr.forward.joined_passes import NotByRowError, can_be_joined, is_faster_joined, run_joined
from uegr.forward.pass_runner import OneByOne, PassRunner
from uegr.forward.uegr import UEGRForward
from uegr.modeling.dropout_sites import DropoutSites


def loss_and_gradients(
    model: nn.Module, data: dict[str, Tensor], runner: PassRunner, **options: Any
) -> tuple[Tensor, list[Tensor | None]]:
    """Of one step, whose loss has the factor of a GradScaler."""
    model.zero_grad()
    stage = stage_of(UEGRForward, **options)
    stage.runner = runner
    loss = stage(model, data, step(3)).value
    (2.0 * loss).backward()
    return loss.detach(), gradients_of(model)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("options", [{}, {"passes": 3, "dropout": (0.0, 0.5)}, {"clean_weight": 0.0}, {"epsilon": 0.0}])
def test_one_batch_equals_passes_one_after_another(attention: str, options: dict[str, Any]) -> None:
    model, data = bert(attn_implementation=attention).train(), batch()
    joined, one_by_one = (loss_and_gradients(model, data, runner, **options) for runner in (AlwaysJoined(), OneByOne()))
    torch.testing.assert_close(joined[0], one_by_one[0])
    for gradient, expected in zip(joined[1], one_by_one[1], strict=True):
        torch.testing.assert_close(gradient, expected, atol=1e-6, rtol=1e-4)


def test_the_global_random_state_stays_as_it_was() -> None:
    model, data, state = bert().train(), batch(), torch.get_rng_state()
    loss_and_gradients(model, data, AlwaysJoined())
    assert torch.equal(state, torch.get_rng_state())


class WithFixedDropout(Linear):
    """Beside its dropout module, a dropout that its author wrote as a plain number."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        mean = F.dropout(self.mean_embedding(input_ids, attention_mask), 0.3, self.training)
        return SimpleNamespace(logits=self.head(self.dropout(mean)))


class DroppedRows(TorchDispatchMode):
    """Records the number of rows of every mask that dropout draws."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if str(function).startswith(("aten.bernoulli_", "aten.native_dropout")):
            self.rows.append(len(args[0]))
        return function(*args, **(kwargs or {}))


def test_a_dropout_that_is_no_site_is_not_split_although_its_rate_is_that_of_a_pass() -> None:
    """Sites are told by `SiteRate`: rates that are compared as floats would be equal here."""
    model, data = WithFixedDropout(dropout=0.1).train(), batch()
    with DroppedRows() as recorder:
        run_joined(model, data, step(sites=DropoutSites(model)), delta=None, rates=[0.3, 0.3])
    assert recorder.rows == [8, 4, 4]


class PositionDropout(Linear):
    """Its dropout belongs to positions and not to rows, as that of DeBERTa's relative positions."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        scale = self.dropout(torch.ones(1, self.embedding.embedding_dim))
        return SimpleNamespace(logits=self.head(scale * self.mean_embedding(input_ids, attention_mask)))


def test_dropout_that_does_not_belong_to_rows_is_refused_and_the_generator_is_put_back() -> None:
    model = PositionDropout(dropout=0.1).train()
    position = step(sites=DropoutSites(model))
    state = position.generator.get_state()
    with pytest.raises(NotByRowError):
        run_joined(model, batch(), position, delta=None, rates=[0.1, 0.3])
    assert torch.equal(position.generator.get_state(), state)


def test_the_default_stage_runs_such_a_model_one_pass_after_another() -> None:
    model, data = PositionDropout(dropout=0.1).train(), batch()
    stage = UEGRForward()
    loss = stage(model, data, step(3)).value
    torch.testing.assert_close(loss.detach(), loss_and_gradients(model, data, OneByOne())[0])
    assert stage(model, data, step(3)).value == loss, "and the next step as well"


class ChannelDropout(Linear):
    """Its dropout drops whole channels."""

    def __init__(self, dropout: float) -> None:
        super().__init__(dropout=dropout)
        self.dropout = nn.Dropout1d(dropout)


class FunctionalDropout(Linear):
    """Its dropout is a function of torch, with the rate held as a number."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.own_dropout = dropout

    def mean_embedding(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return torch.dropout(super().mean_embedding(input_ids, attention_mask), self.own_dropout, True)


@pytest.mark.parametrize("model_class", [ChannelDropout, FunctionalDropout])
def test_another_kind_of_dropout_does_not_get_one_rate_for_all_passes(model_class: type[Linear]) -> None:
    model, data = model_class(dropout=0.1).train(), batch(2, 8)
    options: dict[str, Any] = {"dropout": (0.0, 0.5), "epsilon": 0.0}
    loss = stage_of(UEGRForward, **options)(model, data, step(3)).value
    torch.testing.assert_close(loss.detach(), loss_and_gradients(model, data, OneByOne(), **options)[0])


def test_small_batches_are_joined_by_default_and_others_are_not() -> None:
    rows = []
    model = bert().train()
    model.register_forward_pre_hook(lambda _, __, inputs: rows.append(len(inputs["input_ids"])), with_kwargs=True)
    small, large = batch(2, 8), batch(32, 16)
    assert is_faster_joined(small) and not is_faster_joined(large)
    for data, expected in ((small, [2, 4]), (large, [32, 32, 32])):
        rows.clear()
        UEGRForward()(model, data, step())
        assert rows == expected


def test_models_whose_passes_cannot_be_joined() -> None:
    model, data = bert().train(), batch(2, 8)
    assert can_be_joined(model, data, 2)
    assert not can_be_joined(model, batch(4, 8), 2), "8 rows of 8 tokens: rows look like positions"
    for name, value in (("features", torch.zeros(2, 3)), ("position_ids", torch.zeros(3, 2, 8)), ("names", ["a", "b"])):
        assert not can_be_joined(model, {**data, name: value}, 2), f"{name}: the shape does not tell which row has what"
    assert can_be_joined(model, {**data, "position_ids": None}, 2)
    checkpointed = bert().train()
    recompute_activations(checkpointed)
    assert not can_be_joined(checkpointed, data, 2)
    assert not can_be_joined(nn.Sequential(bert(), nn.BatchNorm1d(2)), data, 2)
    model.config._attn_implementation = "flash_attention_2"
    assert not can_be_joined(model, data, 2), "its kernel takes one rate for the whole batch"
