"""The model and the optimizer that a method is attached to, and what a loop may change about them later."""

from torch import nn

from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.staged_optimizer import StagedOptimizer
from uegr.errors import UsageError
from uegr.modeling.model_wrappers import check_module
from uegr.modeling.shards import reshard


class AttachedModel:
    """A model with its optimizer.

    Args:
        model: as given to `Method.attach`.
        optimizer: the user's own, with the backward stage in front.
    """

    def __init__(self, model: nn.Module, optimizer: StagedOptimizer) -> None:
        self.model, self.optimizer = model, optimizer
        self._parameters = self._identities()

    def model_to_run(self, model: nn.Module | None) -> nn.Module:
        """The attached model, or the user's wrapper around it (`model`).

        Raises:
            UsageError: it is another model, which the optimizer would not train.
        """
        if model is None or model is self.model:
            return self.model
        check_module(model)
        reshard(model)
        updated = {id(weight) for weight in optimizer_parameters(self.optimizer.optimizer)}
        weights = list(model.parameters())  # a wrapper may hold none
        if weights and not any(id(weight) in updated for weight in weights):
            raise UsageError(
                "the model that method.loss(...) is given holds no weight of the attached one: give the attached "
                "model, or a wrapper around it."
            )
        return model

    def take_change(self) -> bool:
        """Whether parameters were frozen, unfrozen, added or replaced (by sharded ones) since the last call."""
        former, self._parameters = self._parameters, self._identities()
        return former != self._parameters

    def _identities(self) -> list[tuple[int, bool]]:
        return [(id(weight), weight.requires_grad) for weight in optimizer_parameters(self.optimizer.optimizer)]
