"""L2-SP: weight decay towards the pretrained weights, the cheap baseline (Li et al. 2018, arXiv 1802.01483).

    theta <- optimizer(g), then theta <- theta - lr * gamma * (theta - theta_0) for the body

Published as a penalty gamma/2 |theta - theta_0|^2 in the loss under SGD; decoupled from the gradient here [ours], as
AdamW does with weight decay, since Adam would scale the pull away. The optimizer's own weight decay acts on the head,
as published, and on the body, too [ours].
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.parameter_positions import body_positions
from uegr.backward.pretrained_copy import PretrainedCopy
from uegr.backward.replay import Replay
from uegr.modeling.shards import shard
from uegr.options import Options, option


@dataclass(frozen=True, kw_only=True)
class L2SPOptions(Options):
    """Options of `L2SP`."""

    pull: float = option(1.0, "gamma, strength of the pull; 0 is plain fine-tuning", at_least=0)


class L2SP(PretrainedCopy):
    """Pulls the body's weights back to where they started."""

    options_class: ClassVar[type[Options]] = L2SPOptions
    options: L2SPOptions
    needs: ClassVar[str] = "a copy of the pretrained body"

    def positions(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[int]:
        return body_positions(model, optimizer)

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        optimizer.step()
        rates = [float(group["lr"]) for group in optimizer.param_groups for _ in group["params"]]
        parameters = optimizer_parameters(optimizer)
        for i, pretrained in self.pretrained.items():
            if not parameters[i].requires_grad:  # frozen since training began
                continue
            shard(parameters[i].detach()).lerp_(pretrained, rates[i] * self.options.pull)
