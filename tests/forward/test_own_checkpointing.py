"""Layers that a model's own code runs again in the backward pass get the dropout rates of their pass."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from support.small_models import batch, bert, gradients_of, hook_count, llama
from uegr.methods.method_config import MethodConfig
from uegr.methods.method_lookup import make_config

LAYERS = (BertLayer, LlamaDecoderLayer)


def by_wrapper(model: nn.Module) -> None:
    apply_activation_checkpointing(model, check_fn=lambda module: isinstance(module, LAYERS))


def by_call(model: nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, LAYERS):
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)


def loss_and_gradients(model: PreTrainedModel, config: MethodConfig) -> list[torch.Tensor | None]:
    """Of two batches of one step."""
    method = config.attach(model=model.train(), optimizer=torch.optim.SGD(model.parameters(), lr=0.1), seed=3)
    model.config.use_cache = False  # a second run would add to the cache
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
