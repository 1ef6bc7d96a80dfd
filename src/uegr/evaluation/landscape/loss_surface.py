"""The mean loss of a model on some rows as a function of its weights, with its gradient and its Hessian.

All weights are one flat vector. Everything is float32 and without dropout, whatever the model was trained in.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.model_state import evaluation_mode, gradients_enabled
from uegr.modeling.output_logits import logits_of_batch


class Surface:
    """A loss over the space of some weights.

    Args:
        parameters: the weights; they must require gradients.
        losses: the summands of the mean loss, one per batch, each with a graph to the weights.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], losses: Callable[[], Iterator[Tensor]]) -> None:
        self.parameters, self._losses = list(parameters), losses

    @property
    def weights(self) -> Tensor:
        """All weights, shape (n,), a copy."""
        return parameters_to_vector(self.parameters).detach().clone()

    @torch.no_grad()
    def loss(self) -> float:
        """The mean loss at the weights as they are."""
        return float(sum(self._losses()))

    def gradient(self) -> Tensor:
        """Gradient of the mean loss, shape (n,)."""
        return self._sum_over_batches(lambda loss: torch.autograd.grad(loss, self.parameters, allow_unused=True))

    def hessian_times(self, vector: Tensor) -> Tensor:
        """The Hessian of the mean loss times a vector, exact (Pearlmutter 1994), shape (n,)."""
        parts = self._parts(vector)

        def product(loss: Tensor) -> Sequence[Tensor | None]:
            first = torch.autograd.grad(loss, self.parameters, create_graph=True, allow_unused=True)
            along = sum(((g * v).sum() for g, v in zip(first, parts, strict=True) if g is not None), loss.new_zeros(()))
            return torch.autograd.grad(along, self.parameters, allow_unused=True)

        # Fused attention kernels have no second derivative.
        with sdpa_kernel(SDPBackend.MATH):
            return self._sum_over_batches(product)

    @contextmanager
    def moved(self, step: Tensor) -> Iterator[None]:
        """The weights plus `step`, shape (n,), in this context; afterwards they are bit for bit what they were."""
        weights = self.weights
        vector_to_parameters(weights + step, self.parameters)
        try:
            yield
        finally:
            vector_to_parameters(weights, self.parameters)

    def _sum_over_batches(self, of_loss: Callable[[Tensor], Sequence[Tensor | None]]) -> Tensor:
        total = torch.zeros_like(self.weights)
        with gradients_enabled():
            for loss in self._losses():
                pairs = zip(self.parameters, of_loss(loss), strict=True)
                total += torch.cat(
                    [(torch.zeros_like(p) if part is None else part.detach()).flatten() for p, part in pairs]
                )
        return total

    def _parts(self, vector: Tensor) -> list[Tensor]:
        sizes = [parameter.numel() for parameter in self.parameters]
        parts = zip(vector.split(sizes), self.parameters, strict=True)
        return [part.view_as(parameter) for part, parameter in parts]


@contextmanager
def surface_of(evaluated: EvaluatedModel, rows: Dataset) -> Iterator[Surface]:
    """The surface of a classifier's mean cross-entropy, in nats, on `rows`, over all its weights, in this context."""
    loaded = [batch for _, batch in evaluated.batches(rows)]

    def losses() -> Iterator[Tensor]:
        for batch in loaded:
            logits = logits_of_batch(evaluated.model, batch).float()
            yield F.cross_entropy(logits, batch["labels"], reduction="sum") / len(rows)

    with evaluation_mode(evaluated.model, weight_gradients=True):
        yield Surface(list(evaluated.model.parameters()), losses)
