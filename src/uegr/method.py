"""A method: a forward stage and a backward stage, and the little they share.

method = UEGR(passes=2, epsilon=0.04)
optimizer = method.wrap_optimizer(AdamW(model.parameters(), lr=1e-4), model)
for batch in loader:
    loss = method.loss(model, batch)      # forward stage
    loss.backward()
    optimizer.step()                      # backward stage
    optimizer.zero_grad()
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from uegr.backward.optimizer import StagedOptimizer
from uegr.backward.stage import BackwardStage
from uegr.errors import UsageError
from uegr.forward.stage import Batch, ForwardStage, Step

FORWARD, BACKWARD = 0, 1


class Method:
    """Two stages behind one object, for any training loop.

    All randomness is a function of `seed` and of two counters (calls of the loss, optimizer steps), which
    `state_dict` holds: dropout differs between data-parallel ranks, parameter masks are the same on all.

    Args:
        forward: from a batch to a loss.
        backward: from gradients to weights.
        name: what logs, tables and results call it.
        seed: of dropout, random starts and masks.
        total_steps: optimizer steps of the whole training, for schedules (the ramp of epsilon). The Trainer
            sets it; in your own loop set it yourself, `len(loader) * epochs`.
    """

    def __init__(
        self,
        forward: ForwardStage,
        backward: BackwardStage,
        *,
        name: str,
        seed: int = 0,
        total_steps: int | None = None,
    ) -> None:
        self.forward, self.backward = forward, backward
        self.name, self.seed, self.total_steps = name, seed, total_steps
        self.terms: dict[str, Tensor] = {}
        """Parts of the last loss, detached scalars."""
        self._calls = 0
        self._steps = 0
        self._wrapped = False

    def loss(self, model: nn.Module, batch: Batch, num_items: Tensor | int | None = None) -> Tensor:
        """The loss of a batch: a scalar to call backward() on.

        Args:
            model: any module whose forward takes what `batch` holds (but "labels") and returns an object with
                `.logits`; in train mode.
            batch: a dict with "labels" beside the model's inputs.
            num_items: divide the summed loss by this many targets and not by the batch's own: for gradient
                accumulation, the targets of all accumulated batches together.

        Raises:
            UsageError: the batch has no labels, or the optimizer was not wrapped (the schedules of a method
                count its steps).
        """
        if "labels" not in batch:
            raise UsageError("the batch holds no 'labels': name the column of the targets 'labels'.")
        if not self._wrapped:
            raise UsageError(
                "wrap the optimizer first: optimizer = method.wrap_optimizer(optimizer, model); "
                "the method counts its steps and shapes its updates there."
            )
        generator = torch.Generator().manual_seed(self._seed_of(FORWARD, self._calls, _rank()))
        step = Step(generator, self._steps, self.total_steps, num_items)
        result = self.forward(model, batch, step)
        self._calls += 1
        self.terms = result.terms
        return result.value

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> StagedOptimizer:
        """The optimizer with this method's backward stage in front; use it in its place.

        Raises:
            UsageError: a stage cannot work on this model; see `uegr.check`.
        """
        self.forward.attach(model)
        self.backward.attach(model, optimizer)
        self._wrapped = True
        return StagedOptimizer(optimizer, self)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """One backward stage; called by the wrapped optimizer."""
        self.backward.update(optimizer, self._seed_of(BACKWARD, self._steps))
        self.forward.release()
        self._steps += 1

    def state_dict(self) -> dict[str, Any]:
        return {
            "calls": self._calls,
            "steps": self._steps,
            "forward": self.forward.state_dict(),
            "backward": self.backward.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._calls, self._steps = state["calls"], state["steps"]
        self.forward.load_state_dict(state["forward"])
        self.backward.load_state_dict(state["backward"])

    def _seed_of(self, *position: int) -> int:
        """A 63-bit seed for a place in the training; neighbours are independent (NumPy's SeedSequence)."""
        sequence = np.random.SeedSequence([self.seed, *position])
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def _rank() -> int:
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_rank() if distributed else 0
