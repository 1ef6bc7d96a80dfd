"""The base of all forward stages: a function from a model and a batch to a loss, with some state."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from uegr.errors import UsageError, shown
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import embedding_width
from uegr.options import Options


@dataclass
class Loss:
    """What a forward stage returns.

    Args:
        value: the scalar to call backward() on.
        terms: its parts, detached scalars, for logs and figures.
    """

    value: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)


def checked_loss(result: Any, stage: str) -> Loss:
    """What a forward stage has returned, with its terms as detached tensors.

    Args:
        result: from the stage.
        stage: the name of its class.

    Raises:
        UsageError: it is not a `Loss` of a scalar that depends on a trainable weight.
    """
    if not isinstance(result, Loss):
        raise UsageError(f"{stage} must return a Loss, not {shown(result)}: Loss(value).")
    value, terms = result.value, result.terms
    if not isinstance(value, Tensor) or value.numel() != 1:
        given = f"one of shape {tuple(value.shape)}" if isinstance(value, Tensor) else shown(value)
        raise UsageError(f"the Loss of {stage} must hold a scalar tensor, not {given}: take the mean over the targets.")
    if not value.requires_grad:
        raise UsageError(
            f"the loss of {stage} has no gradient at any trainable weight: compute it without torch.no_grad(), "
            "detach() and item(), and unfreeze the weights that it depends on."
        )
    if not isinstance(terms, Mapping):
        raise UsageError(f"the terms of a Loss are a dict of names and scalars, not {shown(terms)}.")
    return Loss(value, {name: torch.as_tensor(term).detach() for name, term in terms.items()})


class ForwardStage(ABC):
    """A way to turn a batch into a loss. Stateless stages need only `__call__`.

    Args:
        options: the stage's options; their defaults if left out.
    """

    options_class: ClassVar[type[Options]] = Options
    options: Options

    perturbs: ClassVar[bool] = False
    """Whether any of its passes adds a delta to the token embeddings."""
    sets_dropout: ClassVar[bool] = False
    """Whether it gives its passes dropout where the model has none of its own."""
    needs: ClassVar[str] = ""
    """What the stage needs of a model or a loop, in words, for `uegr methods`."""
    _sites: DropoutSites | None = None
    _detects_recomputation: bool = True
    """Whether to detect parts of the model that are recomputed in the backward pass: until a step had none."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = self.options_class() if options is None else options

    def attach(self, model: nn.Module) -> None:
        """Look at the model before training, and refuse one that the stage cannot work on.

        Called when the optimizer is wrapped.

        Raises:
            UsageError: the model lacks what the stage `needs`.
        """
        if self.perturbs:
            embedding_width(model)  # refuses a model whose token embeddings are not found

    @abstractmethod
    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        """The loss of a batch, a scalar with a graph to the model's weights.

        Args:
            model: in train mode, wrapped or not.
            batch: the model's inputs and "labels".
            step: randomness, counters, settings of the loss, and what the passes share.
        """

    def cost(self) -> float:
        """Arithmetic of one step, in forward passes.

        A forward is 1, a full backward 2, an input-only backward 1; plain fine-tuning is 3.
        """
        return 3.0

    def state_dict(self) -> dict[str, Any]:
        """What the stage must remember between steps (tensors and plain numbers)."""
        return {}

    def check_state_dict(self, state: dict[str, Any]) -> None:
        """Check that a state can be loaded: raise a UsageError if it is of other options or of another model."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""

    def dropout_sites(self, model: nn.Module) -> DropoutSites:
        """The model's dropout sites for the passes of one loss; `release` restores the model."""
        if self._sites is None:
            self._sites = DropoutSites(model, detects_recomputation=self._detects_recomputation)
        else:
            self._sites = self._sites.for_next_loss(model)
        return self._sites

    def release(self) -> None:
        """Remove the hooks that had to stay in the model for the backward pass; called after the optimizer's step."""
        if self._sites is not None:
            if self._sites.is_recomputed is not None:
                self._detects_recomputation = self._sites.is_recomputed
            self._sites.release()
            self._sites = None
