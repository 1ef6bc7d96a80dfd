"""RoAST's backward stage: update by relative importance, drawn at random (Kim et al. 2023, arXiv 2312.04032).

    F_j = 1/N sum_steps g_j^2 over an epoch,   s_j = rank(F_j) / (n - 1)
    p_j = sigmoid(2 beta (s_j - alpha)),   m_j ~ Bernoulli(p_j),   g_hat = m * g / p

The pretrained model is scored in a pass over the training data before the first step, and again from the training
gradients after each epoch, whose length is known from the first pass. UEGR's stage was made from this one, and differs
in the statistics (running mean), the ranking (every few steps), the floor p_min and the mask mode.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from uegr.backward.fisher_ranking import FisherRankedStage
from uegr.backward.replay import Replay
from uegr.backward.selection import Selection, look_up
from uegr.backward.uniform_draws import Draws
from uegr.modeling.shards import shard
from uegr.options import Options, option

SMALLEST_PROBABILITY = 2.0**-16
"""The smallest probability; RoAST adds 1e-12 to p where it divides by it."""


@dataclass(frozen=True, kw_only=True)
class RoASTBackwardOptions(Options):
    """Options of `RoASTBackward`."""

    alpha: float = option(0.6, "threshold of the sigmoid (released: 0.9 for sentiment, 0.6 for entailment)")
    beta: float = option(
        1.0, "steepness of the sigmoid (released: 10 and 1; at 0.9 / 10 the smallest probability is 1e-8)"
    )


class RoASTBackward(FisherRankedStage):
    """Bernoulli mask on the gradient, with probabilities from last epoch's Fisher information."""

    options_class: ClassVar[type[Options]] = RoASTBackwardOptions
    options: RoASTBackwardOptions

    def __init__(self, options: RoASTBackwardOptions | None = None) -> None:
        super().__init__(options)
        self.selection = Selection("sigmoid", self.options.alpha, self.options.beta, p_min=SMALLEST_PROBABILITY)
        self._table: Tensor | None = None
        self._bins: dict[int, Tensor] = {}
        self._epoch = 0
        self._seen = 0

    def tensors_of_parameters(self) -> list[dict[int, Tensor]]:
        return [*super().tensors_of_parameters(), self._bins]

    def observe(self, optimizer: torch.optim.Optimizer) -> None:
        super().observe(optimizer)
        self._seen += 1

    def finish_preparation(self) -> None:
        self._epoch = self._seen
        self._rank()
        self.prepared = True

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        self.observe(optimizer)
        draws, parameters = Draws(seed), self._parameters
        for i, bins in self._bins.items():
            assert self._table is not None
            table, parameter_gradient = self._table.to(bins.device), parameters[i].grad
            if parameter_gradient is None:
                continue
            # The mask mode `gradient`, in portions that stay in the processor's cache.
            gradient = shard(parameter_gradient)
            in_order = gradient.contiguous()  # a copy for weights whose elements lie transposed in memory
            for uniforms, portion_bins, portion in draws.portions(i, bins, in_order):
                p = look_up(table, portion_bins.int())
                portion.mul_((uniforms < p).float().div_(p))
            if not gradient.is_contiguous():
                gradient.copy_(in_order)
        optimizer.step()
        if self._seen >= self._epoch:
            self._rank()

    def _rank(self) -> None:
        self._table, self._bins = self.rank_and_clear()
        self._seen = 0

    def state_dict(self) -> dict[str, Any]:
        return {
            "prepared": self.prepared,
            "scores": self.scores.state_dict(),
            "table": self._table,
            "bins": dict(self._bins),
            "epoch": self._epoch,
            "seen": self._seen,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.prepared, self._epoch, self._seen = state["prepared"], state["epoch"], state["seen"]
        self.scores.load_state_dict(state["scores"], state.get("body", self._body))
        self._table = state["table"]
        self._bins = {int(i): bins.clone() for i, bins in state["bins"].items()}
