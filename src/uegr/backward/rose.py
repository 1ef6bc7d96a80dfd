"""ROSE: only weight matrices whose update is safe are updated in a step (Jiang et al. 2022, arXiv 2210.09658).

First:  s_j = |gradient of KL between two dropout passes|, a norm a matrix: how much it follows spurious change
Second: s_j = | (1 - beta_1) |g_j| / |m_j| - 1 |, how far the gradient departs from its own running mean m

A matrix is updated where s_j lies at or below the `upper` quantile of all. A masked matrix keeps its weights and its
moments in that step; the released code keeps the first moment and the weights.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.mask_modes import frozen
from uegr.backward.parameter_positions import matrix_positions
from uegr.backward.replay import Replay
from uegr.errors import UsageError
from uegr.forward.forward_stage import Batch, Loss, Step
from uegr.forward.r_drop import RDropForward
from uegr.modeling.objective import objective_for
from uegr.modeling.shards import shard, sum_over_shards


class ROSE(BackwardStage):
    """What both kinds share: a score a matrix, and a quantile of the scores.

    Args:
        upper: share of the matrices that is updated (released: 0.3 to 0.9 by task).
    """

    def __init__(self, *, upper: float = 0.7) -> None:
        if not 0.0 < upper <= 1.0:
            raise UsageError(f"upper must lie in (0, 1], not {upper}.")
        self.upper = upper

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._matrices = matrix_positions(model, optimizer)

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        parameters = optimizer_parameters(optimizer)
        known = [i for i in self._matrices if parameters[i].grad is not None]
        scores = self.scores(optimizer, [parameters[i] for i in known], replay)
        if scores is None:
            optimizer.step()
            return
        updated = scores <= torch.quantile(scores, self.upper)
        frozen(optimizer, {i: (updated[at], None) for at, i in enumerate(known)})

    @abstractmethod
    def scores(self, optimizer: torch.optim.Optimizer, matrices: list[Tensor], replay: Replay) -> Tensor | None:
        """One score a matrix, or None while nothing is known and everything is updated."""


class ROSEFirst(ROSE):
    """Scores by the gradient of the disagreement of two dropout passes.

    Args:
        upper: see `ROSE`.
        kl_dropout: rate given to a model whose own rates are all 0 (released: 0.1 for these passes).
    """

    needs: ClassVar[str] = "dropout; the batches of a step again; no fp16"

    replays: ClassVar[bool] = True

    def __init__(self, *, upper: float = 0.7, kl_dropout: float = 0.1) -> None:
        super().__init__(upper=upper)
        self._disagreement = _Disagreement(dropout=kl_dropout)

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        super().attach(model, optimizer)
        self._disagreement.attach(model)

    def scores(self, optimizer: torch.optim.Optimizer, matrices: list[Tensor], replay: Replay) -> Tensor | None:
        own = [one.grad for one in optimizer_parameters(optimizer)]
        for one in optimizer_parameters(optimizer):
            one.grad = None
        replay.backward(self._disagreement)
        self._disagreement.release()
        norms = _norms([torch.zeros_like(one) if one.grad is None else one.grad for one in matrices])
        for one, gradient in zip(optimizer_parameters(optimizer), own, strict=True):
            one.grad = gradient
        return norms

    def cost(self, forward: float) -> float:
        return forward + 6.0


class ROSESecond(ROSE):
    """Scores by the departure from the first moment of Adam, which the optimizer must hold.

    Args:
        upper: see `ROSE`.
    """

    needs: ClassVar[str] = "Adam or AdamW"

    def scores(self, optimizer: torch.optim.Optimizer, matrices: list[Tensor], replay: Replay) -> Tensor | None:
        if not any("exp_avg" in optimizer.state.get(one, {}) for one in matrices):
            if any(optimizer.state.get(one) for one in matrices):
                raise UsageError("rose-second needs an optimizer with a first moment: use Adam or AdamW.")
            return None
        gradients = _norms([one.grad for one in matrices if one.grad is not None])
        moments = _norms([optimizer.state[one]["exp_avg"] for one in matrices])
        beta = torch.tensor(optimizer.param_groups[0]["betas"][0])
        return ((1.0 - beta) * gradients / moments.clamp_min(1e-12) - 1.0).abs()


class _Disagreement(RDropForward):
    """1/2 (KL(P_1 | P_2) + KL(P_2 | P_1)) of two dropout passes, and no error."""

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        first, second = self.twice(model, batch, step)
        objective = objective_for(model, first, batch["labels"])
        return Loss(objective.mean(objective.symmetric_kl(first, second) / 2.0, step.num_items))


def _norms(tensors: list[Tensor]) -> Tensor:
    squares = torch.stack([shard(one).float().square().sum() for one in tensors])
    sum_over_shards(squares, tensors)
    return squares.sqrt()
