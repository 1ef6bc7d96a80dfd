"""Logits of a pass and the gradient of the loss at the token embeddings."""

from collections.abc import Callable

from torch import Tensor, nn

from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.float16_gradients import loss_scale
from uegr.modeling.token_gradients import gradient_at_tokens


def input_gradient_at(
    model: nn.Module,
    batch: Batch,
    step: Step,
    delta: Tensor,
    *,
    loss: Callable[[Tensor], Tensor] | None = None,
    keep_graph: bool = False,
    recompute: bool = False,
) -> tuple[Tensor, Tensor]:
    """Logits at delta, (B, C) or (B, T, C), and the gradient of a summed loss there, (B, T, d).

    If the user's loss is a mean, the gradient is that of the mean, times a power of two.

    Only the path from the loss to the embeddings is differentiated: no weight gradient is computed, and no hook of DDP
    fires.

    Args:
        model, batch, step: see `forward_pass`.
        delta: added to the token embeddings, (B, T, d).
        loss: from logits to one value per target, (N,); the task's own loss if left out.
        keep_graph: whether the logits will be differentiated again.
        recompute: see `forward_pass`.
    """
    leaf = delta.detach().requires_grad_()
    logits = forward_pass(model, batch, step, delta=leaf, recompute=recompute)
    values = step.task(model, logits, batch).loss(logits) if loss is None else loss(logits)
    summed = values.sum() if values.dim() else loss_scale(values) * values  # a user's loss may be a mean already
    return logits, gradient_at_tokens(summed, leaf, keep_graph=keep_graph)
