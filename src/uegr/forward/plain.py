"""The plain forward stage: one pass, the mean error of its targets. What everybody does today."""

from __future__ import annotations

from torch import nn

from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, forward_pass
from uegr.modeling.objective import objective_for


class PlainForward(ForwardStage):
    """L = mean_i CE(f(e)_i, y_i), with the model's own dropout. 1 F and a backward: 3 units."""

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        logits = forward_pass(model, batch, step)
        objective = objective_for(model, logits, batch["labels"])
        return Loss(objective.mean(objective.loss(logits), step.num_items))
