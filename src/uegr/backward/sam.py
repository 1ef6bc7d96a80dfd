"""SAM: step with the gradient at the worst weights nearby (Foret et al. 2021, arXiv 2010.01412; ASAM: 2102.11600).

    e = rho * g / |g|                      (adaptive: e = rho * theta^2 g / |theta g|)
    theta <- optimizer(g at theta + e)

The second gradient is computed inside optimizer.step() from the same batches with the same dropout, accumulated batches
included. A loop that clips gradients clips the first of the two, which only gives e its direction.
"""

from __future__ import annotations

from typing import ClassVar

import torch

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.replay import Replay
from uegr.errors import UsageError
from uegr.modeling.shards import shard, sum_over_shards


class SAM(BackwardStage):
    """Sharpness-aware minimisation around the user's own optimizer.

    Args:
        rho: radius in weight space (published: 0.05; adaptive: 0.5 and more); 0 is plain.
        adaptive: ASAM's radius, in units of each weight.
    """

    needs: ClassVar[str] = "the batches of a step again; no fp16"

    replays: ClassVar[bool] = True

    def __init__(self, *, rho: float = 0.05, adaptive: bool = False) -> None:
        if rho < 0:
            raise UsageError(f"rho must not be negative, not {rho}.")
        self.rho, self.adaptive = rho, adaptive

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        moved = [one for one in optimizer_parameters(optimizer) if one.grad is not None]
        before = [shard(one.detach()).clone() for one in moved]
        directions = [shard(one.grad) for one in moved if one.grad is not None]
        scaled = [g * w.abs() for g, w in zip(directions, before, strict=True)] if self.adaptive else directions
        square = torch.stack([torch.linalg.vector_norm(one.float()) for one in scaled]).square().sum()
        sum_over_shards(square, moved)
        size = self.rho / square.sqrt().clamp_min(1e-12)
        for one, g, w in zip(moved, scaled, before, strict=True):
            shard(one.detach()).addcmul_(g * w.abs() if self.adaptive else g, size)
        optimizer.zero_grad()
        replay.backward()
        for one, w in zip(moved, before, strict=True):
            shard(one.detach()).copy_(w)
        optimizer.step()

    def cost(self, forward: float) -> float:
        return 2.0 * forward
