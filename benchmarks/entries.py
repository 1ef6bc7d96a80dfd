"""What is timed side by side: our methods, and the packages a user would otherwise pick for the same job.

Each entry is a step on a copy of the same model with the same batch, AdamW in torch's fused kernel and the same
autocast. Peers live in benchmarks/.peers (`make peers`); those that are not there are left out.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uegr.methods.method_lookup import make_config
from uegr.training.cost_profile import Autocast, Stepper

Step = Callable[[], None]
Batch = Mapping[str, Tensor]
OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("plain", {}),
    "r-drop": ("r-drop", {}),
    "freelb, 3 steps": ("freelb", {"ascent_steps": 3}),
    "smart": ("smart", {}),
    "sam": ("sam", {}),
    "roast": ("roast", {}),
    "neftune": ("neftune", {}),
    "uegr, k 2, no clean term": ("uegr", {"clean_weight": 0.0}),
    "uegr, k 3, no clean term": ("uegr", {"clean_weight": 0.0, "passes": 3}),
    "uegr (defaults: k 2 and the clean term)": ("uegr", {}),
    "uegr, reuse": ("uegr", {"reuse": True}),
    "uegr, k 1, reuse": ("uegr", {"passes": 1, "reuse": True}),
    "uegr, checkpoint_passes": ("uegr", {"checkpoint_passes": True}),
}
SAME_JOB = {"transformers' NEFTune hook": "neftune", "smart-pytorch": "smart", "pytorch-optimizer's SAM": "sam"}
"""Peer -> our entry that does what it does."""


def makers(model: nn.Module, batch: Batch, autocast: Autocast) -> dict[str, Callable[[], Step]]:
    """Entry -> a function that makes its step, with a model and an optimizer of its own."""

    def own(key: str, options: dict[str, Any]) -> Callable[[], Step]:
        return lambda: Stepper(model, batch, make_config(key, options).create(), autocast)

    make = {name: own(key, options) for name, (key, options) in OURS.items()}
    peers = {"transformers": _neftune, "smart_pytorch": _smart, "pytorch_optimizer": _sam}
    for name, (package, build) in zip(SAME_JOB, peers.items(), strict=True):
        if importlib.util.find_spec(package) is None:
            print(f"{name} is not installed: make peers")
        else:
            make[name] = partial(build, model, batch, autocast)
    return make


def _adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)


def _neftune(model: nn.Module, batch: Batch, autocast: Autocast) -> Step:
    from transformers.integrations.neftune import activate_neftune

    twin = copy.deepcopy(model).train()
    optimizer = _adamw(twin)
    activate_neftune(twin, 5.0)

    def step() -> None:
        with autocast():
            loss = twin(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _smart(model: nn.Module, batch: Batch, autocast: Autocast) -> Step:
    """As its page shows: a function from embeddings to logits, KL in the ascent, symmetric KL in the loss."""
    from smart_pytorch import SMARTLoss, kl_loss, sym_kl_loss

    twin: Any = copy.deepcopy(model).train()
    optimizer = _adamw(twin)
    rest = {key: value for key, value in batch.items() if key not in ("input_ids", "labels")}

    def logits(embeddings: Tensor) -> Tensor:
        return twin(inputs_embeds=embeddings, **rest).logits.float()

    regulariser = SMARTLoss(logits, kl_loss, sym_kl_loss)

    def step() -> None:
        with autocast():
            embeddings = twin.get_input_embeddings()(batch["input_ids"])
            state = logits(embeddings)
            loss = F.cross_entropy(state, batch["labels"]) + regulariser(embeddings, state)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _sam(model: nn.Module, batch: Batch, autocast: Autocast) -> Step:
    from pytorch_optimizer import SAM

    twin = copy.deepcopy(model).train()
    optimizer = SAM(twin.parameters(), torch.optim.AdamW, rho=0.05, lr=1e-5, fused=True)

    def backward() -> None:
        with autocast():
            loss = twin(**batch).loss
        loss.backward()

    def step() -> None:
        backward()
        optimizer.first_step(zero_grad=True)
        backward()
        optimizer.second_step(zero_grad=True)

    return step
