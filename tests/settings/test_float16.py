"""Mixed precision in float16: gradients that a stage computes itself, where a GradScaler does not scale the loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.small_models import batch, bert
from uegr.errors import UsageError
from uegr.methods.method_lookup import METHODS, make_config
from uegr.modeling.float16_gradients import LARGEST_SCALE, loss_scale

MANY = 200_000
"""Targets of a step: in float16 the gradient of each is rounded to 0 unless the loss is scaled."""
SCALED = [name for name in sorted(METHODS) if not make_config(name).create().backward.replays]
"""The methods that can be trained with a GradScaler."""
REUSE = {"passes": 1, "reuse": True}


def mean_over_many(model: nn.Module, data: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """A user's own loss, the mean over more targets than its logits show."""
    logits = model(input_ids=data["input_ids"], attention_mask=data["attention_mask"]).logits
    return F.cross_entropy(logits.float(), data["labels"], reduction="sum") / MANY, logits


def gradient(method: str, options: dict[str, Any], *, own_loss: bool, float16: bool) -> Tensor:
    """The gradient of one loss at all weights; in float16 by a GradScaler."""
    model = bert(dropout=0.0).train()
    optimizer = torch.optim.AdamW(model.parameters())
    compute_loss = mean_over_many if own_loss else None
    attached = make_config(method, options).attach(
        model=model, optimizer=optimizer, train_loader=[batch(8)], seed=1, compute_loss=compute_loss
    )
    scaler = torch.amp.GradScaler("cpu", enabled=float16)
    with torch.autocast("cpu", torch.float16, enabled=float16):
        loss = attached.loss(batch(8), num_items=None if own_loss else MANY)
    scaler.scale(loss).backward()
    scaler.unscale_(attached.optimizer)
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


@pytest.mark.parametrize("own_loss", [False, True])
@pytest.mark.parametrize(("method", "options"), [*((name, {}) for name in SCALED), ("uegr", REUSE)])
def test_small_gradients_are_those_of_float32(method: str, options: dict[str, Any], own_loss: bool) -> None:
    exact, rounded = (gradient(method, options, own_loss=own_loss, float16=float16) for float16 in (False, True))
    assert float((rounded - exact).norm() / exact.norm()) < 0.01


def test_the_pretrained_weights_are_ranked_as_in_float32() -> None:
    masks = []
    for float16 in (False, True):
        model = bert(dropout=0.0).train()
        with torch.autocast("cpu", torch.float16, enabled=float16):
            attached = make_config("child-tuning-d").attach(
                model=model,
                optimizer=torch.optim.AdamW(model.parameters()),
                train_loader=[batch(8), batch(4)],
                compute_loss=mean_over_many,
            )
        masks.append(torch.cat([mask.flatten() for mask in attached.state_dict()["backward"]["masks"].values()]))
    assert float((masks[0] == masks[1]).float().mean()) > 0.99


@pytest.mark.parametrize(
    ("loss", "scale"),
    [(0.0, 1.0), (-0.7, 1.0), (1.0, 1.0), (-3.9, 0.5), (4.0, 0.25), (1e5, 2.0**-16), (float("inf"), 2.0**-20)],
)
def test_the_scale_is_a_power_of_two_that_large_losses_make_smaller(loss: float, scale: float) -> None:
    assert loss_scale(torch.tensor(loss)).item() == LARGEST_SCALE * scale


@pytest.mark.parametrize("method", ["sam", "rose-first", "r-drop+sam"])
def test_autocast_inside_the_model_is_seen_where_a_scaler_cannot_scale_the_second_gradient(method: str) -> None:
    """accelerate and Fabric put autocast around the model's forward, so that the loop itself runs without it."""
    for dtype, is_refused in ((torch.float16, True), (torch.bfloat16, False)):
        model = bert().train()
        model.forward = torch.autocast("cpu", dtype)(model.forward)  # type: ignore[method-assign]
        attached = make_config(method).attach(model=model, optimizer=torch.optim.AdamW(model.parameters()))
        if is_refused:
            with pytest.raises(UsageError, match="train with bf16 or float32 instead of fp16"):
                attached.loss(batch())
        else:
            attached.loss(batch()).backward()
            attached.optimizer.step()
