"""The plain forward stage: one pass, the mean loss of its targets."""

from torch import nn

from uegr.forward.forward_stage import ForwardStage, Loss
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step


class PlainForward(ForwardStage):
    """L = mean_i CE(f(e)_i, y_i), with the model's own dropout. One forward and one backward: 3 units."""

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        logits = forward_pass(model, batch, step)
        task = step.task(model, logits, batch)
        return Loss(task.mean(task.loss(logits), step.num_items))
