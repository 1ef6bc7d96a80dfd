"""Stages made from options, and the position in the training that they are called at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage
from uegr.backward.replay import Replay
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.joined_passes import run_joined
from uegr.forward.pass_runner import Pass, PassRunner
from uegr.forward.plain import PlainForward
from uegr.forward.step_inputs import Step
from uegr.modeling.dropout_sites import DropoutSites

Stage = TypeVar("Stage", bound=ForwardStage | BackwardStage)
NO_REPLAY = Replay(PlainForward(), torch.optim.SGD([torch.zeros(1)]))
"""For stages that do not run a step's batches again."""


def stage_of(stage_class: type[Stage], **options: Any) -> Stage:
    """A stage with these options."""
    return stage_class(stage_class.options_class(**options))  # type: ignore[arg-type]


def step(seed: int = 0, number: int = 10, sites: DropoutSites | None = None) -> Step:
    """A step of a training, with a generator of this seed."""
    return Step(torch.Generator().manual_seed(seed), number, sites=sites)


class AlwaysJoined(PassRunner):
    """Runs the passes as one batch, whether that is faster or not."""

    def run(self, model: nn.Module, passes: Sequence[Pass], step: Step) -> list[Tensor]:
        first, rates = passes[0], [this_pass.rate for this_pass in passes]
        return run_joined(model, first.batch, step, delta=first.delta, rates=rates)
