"""Child-Tuning F: a new random part of the gradient in each step (Xu et al. 2021, arXiv 2109.05687).

    g_hat = m * g / p,   m_j ~ Bernoulli(p)

before the optimizer sees the gradient. The released optimizer masks every parameter, the new head, biases and norms
included, and momentum and weight decay may still move a masked weight. Both are true here, too.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.mask_modes import Masks, step_with_masked_gradient
from uegr.backward.replay import Replay
from uegr.backward.uniform_draws import Draws
from uegr.modeling.shards import shard
from uegr.options import Options, option


@dataclass(frozen=True, kw_only=True)
class ChildTuningFOptions(Options):
    """Options of `ChildTuningF`."""

    reserve: float = option(
        0.3, "p, share of gradient elements kept [reserve_p] (released: 0.2 to 0.4 by task)", above=0, at_most=1
    )


class ChildTuningF(BackwardStage):
    """Masks the gradient at random."""

    options_class: ClassVar[type[Options]] = ChildTuningFOptions
    options: ChildTuningFOptions

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        draws, reserve = Draws(seed), self.options.reserve
        masks: Masks = {}
        for i, parameter in enumerate(optimizer_parameters(optimizer)):
            part = shard(parameter)
            masks[i] = (draws.uniforms(i, part) < reserve, torch.tensor(1.0 / reserve, device=part.device))
        step_with_masked_gradient(optimizer, masks)
