"""Mixout: each weight is swapped for its pretrained value at random, in every pass (Lee et al. 2020, arXiv 1909.11299).

    theta_mix = (m * theta_0 + (1 - m) * theta - p * theta_0) / (1 - p),   m_j ~ Bernoulli(p)

so that E[theta_mix] = theta, and the gradient at theta is (1 - m)/(1 - p) times that at theta_mix (the released code
leaves that division out). One mask an optimizer step: the weights are mixed before its first loss and given back before
its update, so nobody outside ever sees them mixed. Applied to the matrices of the body's layers; the released code
swaps each linear layer for one that mixes.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.parameter_positions import matrix_positions
from uegr.backward.pretrained_copy import PretrainedCopy
from uegr.backward.replay import Replay
from uegr.backward.uniform_draws import Draws
from uegr.errors import UsageError
from uegr.modeling.shards import shard


class Mixout(PretrainedCopy):
    """Stochastic pull towards the pretrained weights.

    Args:
        mix: p, the probability of the pretrained value; 0 is plain.
    """

    needs: ClassVar[str] = "a copy of the pretrained matrices"

    def __init__(self, *, mix: float = 0.7) -> None:
        if not 0.0 <= mix < 1.0:
            raise UsageError(f"mix must lie in [0, 1), not {mix}.")
        self.mix = mix
        self._own: dict[int, Tensor] = {}

    def positions(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[int]:
        return matrix_positions(model, optimizer)

    @torch.no_grad()
    def before(self, optimizer: torch.optim.Optimizer, seed: int) -> None:
        if not self.mix:
            return
        parameters = optimizer_parameters(optimizer)
        for i, mask in self._masks(parameters, seed):
            weight, old = shard(parameters[i].detach()), self.pretrained[i]
            self._own[i] = weight.clone()
            mixed = torch.where(mask, old, weight).sub_(old, alpha=self.mix).div_(1.0 - self.mix)
            weight.copy_(mixed)

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        parameters = optimizer_parameters(optimizer)
        if self._own:
            for i, mask in self._masks(parameters, seed):
                shard(parameters[i].detach()).copy_(self._own.pop(i))
                gradient = parameters[i].grad
                if gradient is not None:
                    shard(gradient).mul_(~mask).div_(1.0 - self.mix)
        optimizer.step()

    def _masks(self, parameters: list[Tensor], seed: int) -> list[tuple[int, Tensor]]:
        """The swap masks of a step, the same whenever they are asked for, so that none is stored."""
        draws = Draws(seed)
        return [(i, draws.uniforms(i, shard(parameters[i])) < self.mix) for i in self.pretrained]
