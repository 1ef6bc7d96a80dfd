"""ROSE: only weight matrices whose update is safe are updated in a step (Jiang et al. 2022, arXiv 2210.09658).

First:  s_j = |gradient of KL between two dropout passes|, one norm per matrix: its response to spurious changes
Second: s_j = | (1 - beta_1) |g_j| / |m_j| - 1 |, how far the gradient departs from its own running mean m

A matrix is updated where s_j lies at or below the `upper` quantile of all; `matrix_positions` says what counts as one.
A masked one keeps its weights and its moments in that step; the released code keeps the first moment and the weights.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.mask_modes import step_with_frozen_elements
from uegr.backward.parameter_positions import matrix_positions
from uegr.backward.replay import Replay
from uegr.errors import UsageError
from uegr.forward.forward_stage import Loss
from uegr.forward.r_drop import RDropForward, RDropOptions
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.set_aside_gradients import gradients_set_aside
from uegr.modeling.shards import shard, sum_over_shards
from uegr.options import Options, option

NO_MOMENT = "rose-second needs an optimizer with a first moment: use Adam or AdamW."


@dataclass(frozen=True, kw_only=True)
class ROSEOptions(Options):
    """Options of `ROSESecond`, and of both kinds."""

    upper: float = option(
        0.7, "share of the matrices that is updated (released: 0.3 to 0.9 by task)", above=0, at_most=1
    )


@dataclass(frozen=True, kw_only=True)
class ROSEFirstOptions(ROSEOptions):
    """Options of `ROSEFirst`."""

    kl_dropout: float = option(
        0.1, "rate given to a model whose own rates are all 0 (released: 0.1 for these passes)", above=0, below=1
    )


class ROSE(BackwardStage):
    """The base of both kinds: one score per matrix, and a quantile of the scores."""

    options_class: ClassVar[type[Options]] = ROSEOptions
    options: ROSEOptions

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._matrices = matrix_positions(model, optimizer)

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        parameters = optimizer_parameters(optimizer)
        with_gradient = [i for i in self._matrices if parameters[i].grad is not None]
        scores = self.scores(optimizer, [parameters[i] for i in with_gradient], replay) if with_gradient else None
        if scores is None:
            optimizer.step()
            return
        updated = scores <= quantile(scores, self.options.upper)
        step_with_frozen_elements(optimizer, {i: (updated[index], None) for index, i in enumerate(with_gradient)})

    @abstractmethod
    def scores(self, optimizer: torch.optim.Optimizer, matrices: list[Tensor], replay: Replay) -> Tensor | None:
        """One score per matrix, or None if there are no scores yet; everything is then updated."""


class ROSEFirst(ROSE):
    """Scores by the gradient of the divergence of two dropout passes."""

    options_class: ClassVar[type[Options]] = ROSEFirstOptions
    options: ROSEFirstOptions
    needs: ClassVar[str] = "dropout; the batches of a step again; no fp16"
    replays: ClassVar[bool] = True

    def __init__(self, options: ROSEFirstOptions | None = None) -> None:
        super().__init__(options)
        self._divergence = _Divergence(RDropOptions(dropout=self.options.kl_dropout))

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        super().attach(model, optimizer)
        self._divergence.attach(model)

    def scores(self, optimizer: torch.optim.Optimizer, matrices: list[Tensor], replay: Replay) -> Tensor | None:
        with gradients_set_aside(optimizer_parameters(optimizer)):
            try:
                replay.backward(self._divergence)
            finally:
                self._divergence.release()
            return _norms([torch.zeros_like(matrix) if matrix.grad is None else matrix.grad for matrix in matrices])

    def cost(self, forward: float) -> float:
        return forward + 6.0


class ROSESecond(ROSE):
    """Scores by the departure from the first moment of Adam, which the optimizer must hold."""

    needs: ClassVar[str] = "Adam or AdamW"

    def scores(self, optimizer: torch.optim.Optimizer, matrices: list[Tensor], replay: Replay) -> Tensor | None:
        if not any("exp_avg" in optimizer.state.get(matrix, {}) for matrix in matrices):
            if any(optimizer.state.get(matrix) for matrix in matrices):
                raise UsageError(NO_MOMENT)
            return None
        gradients = [matrix.grad for matrix in matrices if matrix.grad is not None]  # `update` passes no others
        norms = _norms(gradients)
        shares = _shares_of_gradient(optimizer, matrices, norms.device)
        means = [  # a matrix of a group that was added later has no moment yet: its score is 0
            optimizer.state.get(matrix, {}).get("exp_avg", share * gradient)
            for matrix, gradient, share in zip(matrices, gradients, shares, strict=True)
        ]
        return (shares * norms / _norms(means).clamp_min(1e-12) - 1.0).abs()


def _shares_of_gradient(optimizer: torch.optim.Optimizer, matrices: list[Tensor], device: torch.device) -> Tensor:
    """1 - beta_1 of the group of each matrix: the share of a gradient in the first moment of its step.

    Raises:
        UsageError: a group has no betas.
    """
    beta_of = {
        id(parameter): group["betas"][0]
        for group in optimizer.param_groups
        for parameter in group["params"]
        if "betas" in group
    }
    if not all(id(matrix) in beta_of for matrix in matrices):
        raise UsageError(NO_MOMENT)
    return 1.0 - torch.tensor([float(beta_of[id(matrix)]) for matrix in matrices], device=device)


class _Divergence(RDropForward):
    """1/2 (KL(P_1 | P_2) + KL(P_2 | P_1)) of two dropout passes, without the task's loss."""

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        first, second = self.two_passes(model, batch, step)
        task = step.task(model, first, batch)
        return Loss(task.mean(task.symmetric_kl(first, second) / 2.0, step.num_items))


def quantile(scores: Tensor, share: float) -> Tensor:
    """The highest score that lies at or below the quantile, a scalar.

    torch.quantile interpolates, and versions of PyTorch round differently, so the matrix at the quantile would be
    updated in some versions only. In 2.14 it also computes in float64, which an Apple GPU does not have.
    """
    last = int(share * (len(scores) - 1) + 1e-6)  # 0.57 * 100 is 56.99... in floating point
    return scores.sort().values[last]


def _norms(tensors: list[Tensor]) -> Tensor:
    squares = torch.stack([shard(tensor).float().square().sum() for tensor in tensors])
    sum_over_shards(squares, tensors)
    return squares.sqrt()
