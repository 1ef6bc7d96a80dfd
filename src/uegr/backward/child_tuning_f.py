"""Child-Tuning F: a fresh random part of the gradient each step (Xu et al. 2021, arXiv 2109.05687).

    g_hat = m * g / p,   m_j ~ Bernoulli(p)

before the optimizer sees the gradient. The released optimizer masks every parameter, the new head, biases and norms
included, and momentum and weight decay may still move a masked weight: so here.
"""

from __future__ import annotations

import torch

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.mask_modes import Masks, gradient
from uegr.backward.replay import Replay
from uegr.backward.uniform_draws import Draws
from uegr.errors import UsageError
from uegr.modeling.shards import shard


class ChildTuningF(BackwardStage):
    """Masks the gradient at random.

    Args:
        reserve: p, the share of gradient elements kept [reserve_p] (released: 0.2 to 0.4 by task).
    """

    def __init__(self, *, reserve: float = 0.3) -> None:
        if not 0.0 < reserve <= 1.0:
            raise UsageError(f"reserve must lie in (0, 1], not {reserve}.")
        self.reserve = reserve

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        draws = Draws(seed)
        masks: Masks = {}
        for i, parameter in enumerate(optimizer_parameters(optimizer)):
            part = shard(parameter)
            masks[i] = (draws.uniforms(i, part) < self.reserve, torch.tensor(1.0 / self.reserve, device=part.device))
        gradient(optimizer, masks)
