"""The base of all backward stages: a stage turns gradients into an update of the weights."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from uegr.backward.replay import Replay
from uegr.modeling.shards import shard_like
from uegr.options import Options


class BackwardStage(ABC):
    """Works between the gradients and the user's own optimizer. A stage without state needs only `update`.

    Args:
        options: the stage's options; their defaults if left out.
    """

    options_class: ClassVar[type[Options]] = Options
    options: Options

    needs: ClassVar[str] = ""
    """What the stage needs of a model or a loop, in words, for `uegr methods`."""
    replays: ClassVar[bool] = False
    """Whether `update` goes through the step's batches again."""
    moves_weights: ClassVar[bool] = False
    """Whether `before` changes the weights, as Mixout does. The check for weights changed outside `method.optimizer` is
    skipped."""
    prepared: bool = True
    """False until `finish_preparation`, for stages that score the weights on training data before the first step."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = self.options_class() if options is None else options

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Look at the model before training; called at first, and when the parameters change.

        Keep positions in `optimizer_parameters(optimizer)` and no parameters: accelerate replaces them by sharded ones.
        """

    def tensors_of_parameters(self) -> list[dict[int, Tensor]]:
        """The stage's state that has a tensor per parameter: position among the optimizer's parameters -> tensor."""
        return []

    def follow_parameters(self, optimizer: torch.optim.Optimizer) -> None:
        """Move the state to the devices of the parameters, and cut it to their shards; called before each use of it.

        A loop may move or shard the model after `attach`, as accelerate does. It may read a checkpoint to the CPU, as
        Hugging Face's Trainer does on one GPU.
        """
        parameters = optimizer_parameters(optimizer)
        for tensors in self.tensors_of_parameters():
            for i, tensor in tensors.items():
                tensors[i] = shard_like(tensor.to(parameters[i].device), parameters[i])

    def observe(self, optimizer: torch.optim.Optimizer) -> None:
        """Preparation: use the gradients of one step's training data."""

    def finish_preparation(self) -> None:
        """Preparation: all batches have been observed."""

    def before(self, optimizer: torch.optim.Optimizer, seed: int) -> None:
        """Called before each loss of a step, with the seed that the step's `update` will get."""

    def discard(self, optimizer: torch.optim.Optimizer) -> None:
        """Called when the loop gives up an unfinished step (zero_grad, a reset): undo what `before` did."""

    @abstractmethod
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        """Make one optimizer step.

        Args:
            optimizer: the user's own; its parameters hold the gradients.
            seed: the source of this step's randomness, the same on every data-parallel rank.
            replay: the step's batches, recorded only if `replays`.
        """

    def report(self) -> dict[str, Tensor]:
        """Scalars for logs and figures that are new since the last call; most stages have none."""
        return {}

    def cost(self, forward: float) -> float:
        """Arithmetic of a step in forward passes, given that of its forward stage; see `ForwardStage.cost`."""
        return forward

    def state_dict(self) -> dict[str, Any]:
        """What the stage must remember between steps (tensors and plain numbers)."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""


def optimizer_parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Every parameter of the optimizer, in the order of its groups."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
