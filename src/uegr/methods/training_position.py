"""The position in a training, and the seeds that follow from it."""

from dataclasses import dataclass

import numpy as np
import torch

from uegr.modeling.data_parallel import several_processes

FORWARD, BACKWARD, PREPARATION, VIEW = 0, 1, 2, 3


@dataclass
class TrainingPosition:
    """The seed of a training and its two counters: all randomness of a method is a function of these.

    Args:
        seed: of the training.
        calls: number of calls of the loss so far.
        steps: number of optimizer steps so far.
    """

    seed: int
    calls: int = 0
    steps: int = 0

    def forward_seed(self) -> int:
        """The seed of the next forward stage; different on each data-parallel rank."""
        return self._seed_of(FORWARD, self.calls, _rank())

    def view_seed(self) -> int:
        """The seed of the text edits that all passes of the next call share; different on each data-parallel rank."""
        return self._seed_of(VIEW, self.calls, _rank())

    def backward_seed(self) -> int:
        """The seed of the next backward stage; the same on all data-parallel ranks."""
        return self._seed_of(BACKWARD, self.steps)

    def preparation_seed(self, batch: int) -> int:
        """The seed of one batch of the pass before training; different on each data-parallel rank."""
        return self._seed_of(PREPARATION, batch, _rank())

    def _seed_of(self, *position: int) -> int:
        """A 63-bit seed; the seeds of neighbouring positions are independent (NumPy's SeedSequence)."""
        sequence = np.random.SeedSequence([self.seed, *position])
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def _rank() -> int:
    return torch.distributed.get_rank() if several_processes() else 0
