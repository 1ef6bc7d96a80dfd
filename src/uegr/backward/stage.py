"""What every backward stage is: a way to turn gradients into an update of the weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn


class BackwardStage(ABC):
    """Stands between the gradients and the user's own optimizer. Stateless stages need only `update`."""

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Look at the model once, before training; called when the optimizer is wrapped."""

    @abstractmethod
    def update(self, optimizer: torch.optim.Optimizer, seed: int) -> None:
        """Make one optimizer step.

        Args:
            optimizer: the user's own; its parameters hold the gradients.
            seed: the source of this step's randomness, the same on every data-parallel rank.
        """

    def report(self) -> dict[str, Tensor]:
        """Scalars for logs and figures that have come out since the last call; most stages have none."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """What the stage must remember between steps (tensors and plain numbers)."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""


def trained(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Every parameter of the optimizer, in the order of its groups."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
