"""Mixout: each weight is swapped for its pretrained value at random, in every pass (Lee et al. 2020, arXiv 1909.11299).

    theta_mix = (m * theta_0 + (1 - m) * theta - p * theta_0) / (1 - p),   m_j ~ Bernoulli(p)

so that E[theta_mix] = theta, and the gradient at theta is (1 - m)/(1 - p) times that at theta_mix (the released code
leaves that division out). One mask per optimizer step: the weights are mixed before its first loss and restored before
its update. Applied to all matrices of the body but the token embeddings, so to the tables of positions and token types,
too [ours]; the released code swaps each linear layer for one that mixes, and mixes no tables.
"""

from dataclasses import dataclass
from typing import ClassVar
from weakref import WeakSet

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.parameter_positions import matrix_positions
from uegr.backward.pretrained_copy import PretrainedCopy
from uegr.backward.replay import Replay
from uegr.backward.uniform_draws import Draws
from uegr.modeling.shards import shard
from uegr.options import Options, option


@dataclass(frozen=True, kw_only=True)
class MixoutOptions(Options):
    """Options of `Mixout`."""

    mix: float = option(0.7, "p, the probability of the pretrained value; 0 is plain fine-tuning", at_least=0, below=1)


class Mixout(PretrainedCopy):
    """Stochastic pull towards the pretrained weights."""

    options_class: ClassVar[type[Options]] = MixoutOptions
    options: MixoutOptions
    needs: ClassVar[str] = "a copy of the pretrained matrices"
    moves_weights: ClassVar[bool] = True

    def __init__(self, options: MixoutOptions | None = None) -> None:
        super().__init__(options)
        self._unmixed: dict[int, Tensor] = {}
        self._model: nn.Module | None = None
        self._optimizer: torch.optim.Optimizer | None = None
        self._is_mixed_step = False
        """Whether the gradients of this step are those at mixed weights."""
        self._handles: list[RemovableHandle] = []

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        super().attach(model, optimizer)
        self._model, self._optimizer = model, optimizer

    def positions(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[int]:
        return matrix_positions(model, optimizer)

    @torch.no_grad()
    def before(self, optimizer: torch.optim.Optimizer, seed: int) -> None:
        mix = self.options.mix
        if not mix or self._unmixed:  # mixed already, before an earlier loss of this step
            return
        assert self._model is not None
        self._is_mixed_step = True
        _STAGES_WITHIN_A_STEP.add(self)
        # Mixed weights are for training only: a loop that saves or evaluates the model in the middle of a step gets the
        # unmixed ones, and the next loss of the step mixes them again.
        self._handles = [
            self._model.register_state_dict_pre_hook(lambda *_: self._restore(optimizer)),
            self._model.register_forward_pre_hook(lambda *_: self._restore_for_evaluation(optimizer)),
        ]
        parameters = optimizer_parameters(optimizer)
        for i, mask in self._masks(parameters, seed):
            weight, pretrained = shard(parameters[i].detach()), self.pretrained[i]
            self._unmixed[i] = weight.clone()
            mixed = torch.where(mask, pretrained, weight).sub_(pretrained, alpha=mix).div_(1.0 - mix)
            weight.copy_(mixed)

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        parameters = optimizer_parameters(optimizer)
        if self._is_mixed_step:
            for i, mask in self._masks(parameters, seed):
                gradient = parameters[i].grad
                if gradient is not None:
                    shard(gradient).mul_(~mask).div_(1.0 - self.options.mix)
        self.discard(optimizer)
        optimizer.step()

    def discard(self, optimizer: torch.optim.Optimizer) -> None:
        self._restore(optimizer)
        self._is_mixed_step = False

    def _restore_for_evaluation(self, optimizer: torch.optim.Optimizer) -> None:
        if not torch.is_grad_enabled():
            self._restore(optimizer)

    @torch.no_grad()
    def _restore(self, optimizer: torch.optim.Optimizer) -> None:
        """Restore the weights from before the step."""
        parameters = optimizer_parameters(optimizer)
        while self._unmixed:
            i, unmixed = self._unmixed.popitem()
            shard(parameters[i].detach()).copy_(unmixed)
        while self._handles:
            self._handles.pop().remove()
        _STAGES_WITHIN_A_STEP.discard(self)

    def _masks(self, parameters: list[Tensor], seed: int) -> list[tuple[int, Tensor]]:
        """The swap masks of a step; they are computed again when needed and never stored."""
        draws = Draws(seed)
        return [(i, draws.uniforms(i, shard(parameters[i])) < self.options.mix) for i in self.pretrained]


_STAGES_WITHIN_A_STEP: WeakSet[Mixout] = WeakSet()
"""The stages that have mixed weights; their hooks in the model keep those that no method holds any more."""


def restore_mixed_weights(model: nn.Module) -> None:
    """Restore the weights of a model whose last training ended within a step of Mixout (Ctrl-C, out of memory)."""
    weights = {id(weight) for weight in model.parameters()}
    for stage in list(_STAGES_WITHIN_A_STEP):
        optimizer = stage._optimizer
        if optimizer is not None and any(id(weight) in weights for weight in optimizer_parameters(optimizer)):
            stage.discard(optimizer)
