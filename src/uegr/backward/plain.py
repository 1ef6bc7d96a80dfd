"""The plain backward stage: the user's own optimizer, unchanged."""

import torch

from uegr.backward.backward_stage import BackwardStage
from uegr.backward.replay import Replay


class PlainBackward(BackwardStage):
    """theta <- optimizer(g)."""

    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        optimizer.step()
