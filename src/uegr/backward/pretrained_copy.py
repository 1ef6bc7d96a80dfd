"""The base of stages that pull weights back to their start: a copy of the pretrained weights, kept in checkpoints."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.modeling.shards import shard


class PretrainedCopy(BackwardStage):
    """Keeps some of the weights as they were when training began.

    Attributes:
        pretrained: position among the optimizer's parameters -> (this process's part of) its first value.
    """

    pretrained: dict[int, Tensor]

    @abstractmethod
    def positions(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[int]:
        """Which of the optimizer's parameters are kept."""

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        parameters = optimizer_parameters(optimizer)
        former = getattr(self, "pretrained", {})  # parameters were added or unfrozen later
        positions = [i for i in self.positions(model, optimizer) if i not in former]
        self.pretrained = {**former, **{i: shard(parameters[i].detach()).clone() for i in positions}}

    def tensors_of_parameters(self) -> list[dict[int, Tensor]]:
        return [self.pretrained]

    def state_dict(self) -> dict[str, Any]:
        return {"pretrained": dict(self.pretrained)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what was saved; a weight that was frozen at that time has not moved since."""
        self.pretrained |= {int(i): weight.clone() for i, weight in state["pretrained"].items()}
