"""SAM: step with the gradient at the worst weights nearby (Foret et al. 2021, arXiv 2010.01412; ASAM: 2102.11600).

    e = rho * g / |g|                      (adaptive: e = rho * theta^2 g / |theta g|)
    theta <- optimizer(g at theta + e)

The second gradient is computed inside optimizer.step() from the same batches with the same dropout, accumulated batches
included. A loop that clips gradients clips the first of the two, which only gives e its direction.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.replay import Replay
from uegr.modeling.shards import shard, sum_over_shards
from uegr.options import Options, option


@dataclass(frozen=True, kw_only=True)
class SAMOptions(Options):
    """Options of `SAM`."""

    rho: float = option(
        0.05, "radius in weight space (published: 0.05; adaptive: 0.5 and more); 0 is plain", at_least=0
    )
    adaptive: bool = option(False, "ASAM's radius, in units of each weight")


class SAM(BackwardStage):
    """Sharpness-aware minimization around the user's own optimizer."""

    options_class: ClassVar[type[Options]] = SAMOptions
    options: SAMOptions
    needs: ClassVar[str] = "the batches of a step again; no fp16"
    replays: ClassVar[bool] = True

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        adaptive = self.options.adaptive
        moved = [parameter for parameter in optimizer_parameters(optimizer) if parameter.grad is not None]
        before = [shard(parameter.detach()).clone() for parameter in moved]
        gradients = [shard(parameter.grad) for parameter in moved if parameter.grad is not None]
        scaled = [g * w.abs() for g, w in zip(gradients, before, strict=True)] if adaptive else gradients
        square = torch.stack([torch.linalg.vector_norm(tensor.float()) for tensor in scaled]).square().sum()
        sum_over_shards(square, moved)
        size = self.options.rho / square.sqrt().clamp_min(1e-12)
        for parameter, g, w in zip(moved, scaled, before, strict=True):
            shard(parameter.detach()).addcmul_(g * w.abs() if adaptive else g, size)
        first_gradients = [parameter.grad for parameter in moved]
        for parameter in moved:
            parameter.grad = None
        try:
            replay.backward()
        except BaseException:  # out of memory, Ctrl-C: the loop may go on, or make the step again
            for parameter, gradient in zip(moved, first_gradients, strict=True):
                parameter.grad = gradient
            raise
        finally:
            for parameter, w in zip(moved, before, strict=True):
                shard(parameter.detach()).copy_(w)
        optimizer.step()

    def cost(self, forward: float) -> float:
        return 2.0 * forward
