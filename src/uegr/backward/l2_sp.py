"""L2-SP: weight decay towards the pretrained weights, the cheap baseline (Li et al. 2018, arXiv 1802.01483).

    theta <- optimizer(g) - lr * gamma * (theta - theta_0)   for the body; the head keeps the optimizer's own decay

Published as a penalty gamma/2 |theta - theta_0|^2 in the loss under SGD; decoupled from the gradient here [ours], as
AdamW does with weight decay, since Adam would scale the pull away.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from uegr.backward.body import body_positions
from uegr.backward.replay import Replay
from uegr.backward.shards import shard
from uegr.backward.stage import BackwardStage, trained
from uegr.errors import UsageError


class L2SP(BackwardStage):
    """Pulls the body's weights back to where they started.

    Args:
        pull: gamma; 0 is plain fine-tuning.
    """

    needs: ClassVar[str] = "a copy of the pretrained body"

    def __init__(self, *, pull: float = 1.0) -> None:
        if pull < 0:
            raise UsageError(f"pull must not be negative, not {pull}.")
        self.pull = pull
        self._pretrained: dict[int, Tensor] = {}

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        parameters = trained(optimizer)
        self._pretrained = {i: shard(parameters[i].detach()).clone() for i in body_positions(model, optimizer)}

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        optimizer.step()
        rates = [float(group["lr"]) for group in optimizer.param_groups for _ in group["params"]]
        parameters = trained(optimizer)
        for i, pretrained in self._pretrained.items():
            shard(parameters[i].detach()).lerp_(pretrained, rates[i] * self.pull)

    def state_dict(self) -> dict[str, Any]:
        return {"pretrained": dict(self._pretrained)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._pretrained = {int(i): weight.clone() for i, weight in state["pretrained"].items()}
