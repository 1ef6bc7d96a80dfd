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

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from uegr.backward.backward_stage import BackwardStage
from uegr.backward.replay import Replay
from uegr.backward.staged_optimizer import StagedOptimizer
from uegr.errors import UsageError
from uegr.forward.forward_stage import Batch, ForwardStage, Step
from uegr.forward.plain import PlainForward

FORWARD, BACKWARD, PREPARATION = 0, 1, 2


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
        self._replay = Replay(forward)
        self._optimizer: torch.optim.Optimizer | None = None
        self._begun = False

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
                count its steps), or `prepare` was not called and the method needs it.
        """
        if "labels" not in batch:
            raise UsageError("the batch holds no 'labels': name the column of the targets 'labels'.")
        if self._optimizer is None:
            raise UsageError(
                "wrap the optimizer first: optimizer = method.wrap_optimizer(optimizer, model); "
                "the method counts its steps and shapes its updates there."
            )
        if not self.backward.prepared:
            raise UsageError(
                f"{self.name} scores the pretrained weights before training: call method.prepare(model, loader) once, "
                "after wrapping the optimizer."
            )
        if not self._begun:
            self.backward.before(self._optimizer, self._seed_of(BACKWARD, self._steps))
            self._begun = True
        seed, steps = self._seed_of(FORWARD, self._calls, _rank()), self._steps

        def step() -> Step:
            return Step(
                torch.Generator().manual_seed(seed), steps, self.total_steps, num_items, perturbs=self.forward.perturbs
            )

        result = self.forward(model, batch, step())
        if self.backward.replays:
            self._replay.record(model, batch, step, result.value)
        self._calls += 1
        self.terms = result.terms
        return result.value

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Give the method the tokenizer that made the batches: needed only by adversaries that edit text."""
        self.forward.bind(tokenizer)

    def prepare(self, model: nn.Module, batches: Iterable[Batch], accumulation: int = 1) -> None:
        """One pass over the training data before the first step, for methods that score the pretrained weights
        (Child-Tuning D, RoAST); nothing for all others, and nothing when a resumed state is prepared already.

        Args:
            model: in train mode, on the device of the batches; its weights stay as they are.
            batches: as for `loss`, a loader for example.
            accumulation: batches of an optimizer step. What is scored here and in training is a step's gradient, and
                an epoch is counted in steps.
        """
        if self.backward.prepared:
            return
        if self._optimizer is None:
            raise UsageError("wrap the optimizer before method.prepare(model, loader).")
        plain, waiting = PlainForward(), 0
        for at, batch in enumerate(batches):
            generator = torch.Generator().manual_seed(self._seed_of(PREPARATION, at, _rank()))
            plain(model, batch, Step(generator, perturbs=self.forward.perturbs)).value.backward()
            waiting += 1
            if waiting == accumulation:
                self._score()
                waiting = 0
        if waiting:
            self._score()
        self.backward.finish_preparation()

    def _score(self) -> None:
        """Let the backward stage see a step's gradient, of which no update comes."""
        assert self._optimizer is not None
        self.backward.observe(self._optimizer)
        self._optimizer.zero_grad()

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> StagedOptimizer:
        """The optimizer with this method's backward stage in front; use it in its place.

        Raises:
            UsageError: a stage cannot work on this model; see `uegr.modeling.model_check`.
        """
        self.forward.attach(model)
        self.backward.attach(model, optimizer)
        self._optimizer = optimizer
        return StagedOptimizer(optimizer, self)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """One backward stage; called by the wrapped optimizer."""
        self.backward.update(optimizer, self._seed_of(BACKWARD, self._steps), self._replay)
        self.forward.release()
        self._replay.clear()
        self._begun = False
        self._steps += 1

    def cost(self) -> float:
        """Arithmetic of one step in forward passes; plain fine-tuning is 3. See `ForwardStage.cost`."""
        return self.backward.cost(self.forward.cost())

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
