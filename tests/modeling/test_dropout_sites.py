"""Where dropout happens in a model, and that a pass can set all its rates."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from support.small_models import Linear, batch, bert, gradients_of, hook_count, llama
from uegr.errors import UsageError
from uegr.methods.method_config import MethodConfig
from uegr.methods.method_lookup import make_config
from uegr.modeling.dropout_sites import DropoutModule, DropoutSites, has_dropout


def rates_of(model: nn.Module) -> set[float]:
    """The rates of all dropout modules."""
    return {module.p for module in model.modules() if isinstance(module, DropoutModule)}


def test_rates_hold_in_the_context_and_are_put_back_after_an_error() -> None:
    model = bert(dropout=0.1)
    with pytest.raises(RuntimeError, match="mid-pass"), DropoutSites(model).at(0.4):
        assert rates_of(model) == {0.4}
        raise RuntimeError("mid-pass")
    assert rates_of(model) == {0.1}


def test_none_keeps_the_rates_of_the_model() -> None:
    model = bert(dropout=0.1)
    with DropoutSites(model).at(None):
        assert rates_of(model) == {0.1}


def test_rates_reach_the_attention_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """SDPA takes its rate as a number."""
    model = bert(dropout=0.0).train()
    rates = []
    attend = nn.functional.scaled_dot_product_attention

    def spy(*tensors: object, **options: object) -> object:
        rates.append(options["dropout_p"])
        return attend(*tensors, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", spy)
    with DropoutSites(model).at(0.5):
        model(input_ids=torch.randint(4, 12, (2, 6)))
    assert rates == [0.5, 0.5]


def test_a_model_without_dropout_gets_it_on_its_residual_branches_for_the_pass() -> None:
    model, ids = llama().train(), torch.randint(4, 12, (2, 6))
    sites = DropoutSites(model)
    assert len(sites.branches) == 4  # attention and feed-forward of two layers
    assert {name for _, name in sites.attributes} == {"attention_dropout"}
    assert not any(sites.own)
    without = model(input_ids=ids).logits
    with sites.at(0.5):
        assert not torch.equal(model(input_ids=ids).logits, without)
        assert torch.equal(model.eval()(input_ids=ids).logits, model(input_ids=ids).logits)
    assert torch.equal(model.train()(input_ids=ids).logits, without)
    assert hook_count(model) == 0


def test_a_model_with_no_place_for_dropout_is_refused_with_the_fix() -> None:
    with pytest.raises(UsageError, match=r"no dropout layer.*add nn\.Dropout modules"):
        DropoutSites(Linear())


def test_whether_a_model_has_dropout_of_its_own() -> None:
    assert has_dropout(bert(dropout=0.1))
    assert not has_dropout(bert(dropout=0.0))
    decoder = llama()
    assert not has_dropout(decoder)
    decoder.model.layers[0].self_attn.attention_dropout = 0.1  # a rate that is held as a number
    assert has_dropout(decoder)


LAYERS = (BertLayer, LlamaDecoderLayer)
"""What is checkpointed."""


def by_wrapper(model: nn.Module) -> None:
    apply_activation_checkpointing(model, check_fn=lambda module: isinstance(module, LAYERS))


def by_call(model: nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, LAYERS):
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)


class Block(nn.Module):
    """Checkpoints a method of its own, or the dropout of a module that it never calls."""

    def __init__(self, has_module: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)
        if has_module:
            self.dropout = nn.Dropout(0.1)
        else:
            self.dropout_rate = 0.1

    def inner(self, values: torch.Tensor) -> torch.Tensor:
        values = self.linear(values)
        return F.dropout(values, self.dropout.p if hasattr(self, "dropout") else self.dropout_rate)

    def forward(self, values: torch.Tensor, recomputes: bool) -> torch.Tensor:
        return checkpoint(self.inner, values, use_reentrant=False) if recomputes else self.inner(values)


@pytest.mark.parametrize("has_module", [True, False])
def test_a_method_of_a_module_may_run_again(has_module: bool) -> None:
    torch.manual_seed(0)
    model, values = Block(has_module), torch.ones(2, 6)
    gradients = []
    for recomputes in (False, True):
        sites = DropoutSites(model)
        with sites.at(0.6, 5), torch.random.fork_rng():
            torch.default_generator.manual_seed(5)
            loss = model(values, recomputes).square().sum()
        gradients.append(torch.autograd.grad(loss, list(model.parameters())))
        sites.release()
    for gradient, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, expected)
    assert hook_count(model) == 0


def test_a_training_detects_recomputation_in_its_first_step_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    monkeypatch.setattr("uegr.modeling.activation_checkpointing.saved_tensor_hooks", lambda: looks.append(1))
    model = bert().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    method = make_config("uegr", {"passes": 1}).attach(model=model, optimizer=optimizer)
    for step in range(3):
        looks.clear()
        method.loss(batch()).backward()
        method.optimizer.step()
        assert bool(looks) == (step == 0)


def test_a_layer_may_have_a_part_called_reducer() -> None:
    layer = nn.Module()
    layer.reducer = nn.Linear(3, 3)
    assert DropoutSites(nn.Sequential(nn.ModuleList([layer]))).branches == [layer.reducer]


def loss_and_gradients(model: PreTrainedModel, config: MethodConfig) -> list[torch.Tensor | None]:
    """Of two batches of one step."""
    method = config.attach(model=model.train(), optimizer=torch.optim.SGD(model.parameters(), lr=0.1), seed=3)
    model.config.use_cache = False  # a recomputation would add to the cache
    losses = [method.loss(batch(2, 8)), method.loss(batch(2, 6))]
    torch.stack(losses).sum().backward()
    gradients = [*(loss.detach() for loss in losses), *gradients_of(model)]
    method.optimizer.step()
    assert hook_count(model) == 0
    return gradients


@pytest.mark.parametrize("checkpointing", [by_wrapper, by_call])
@pytest.mark.parametrize("make_model", [bert, llama])
@pytest.mark.parametrize(
    ("name", "options"),
    [("uegr", {}), ("uegr", {"passes": 1, "dropout": (0.2, 0.4)}), ("r-drop", {}), ("uegr", {"reuse": True})],
)
def test_the_gradients_are_those_without_checkpointing(
    checkpointing: Any, make_model: Any, name: str, options: dict[str, Any]
) -> None:
    config, checkpointed = make_config(name, options), make_model()
    expected = loss_and_gradients(make_model(), config)
    checkpointing(checkpointed)
    for gradient, reference in zip(loss_and_gradients(checkpointed, config), expected, strict=True):
        torch.testing.assert_close(gradient, reference, atol=1e-6, rtol=1e-4)
