"""The pass over the unperturbed batch, which gives an adversary its first gradient and UEGR its clean term."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from uegr.forward.carried_gradients import carry
from uegr.forward.input_gradient import input_gradient_at
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.float16_gradients import loss_scale
from uegr.modeling.perturbed_pass import zero_delta
from uegr.modeling.task_kinds.own_loss import detached
from uegr.modeling.token_gradients import require_gradient


@dataclass(frozen=True)
class CleanPass:
    """A pass over the unperturbed batch.

    Args:
        logits: of the pass, (B, C) or (B, T, C), with a graph to the weights if the loss uses them.
        gradient: of the loss at the token embeddings, (B, T, d), up to a positive factor per example; None if no other
            pass needs it.
        loss: mean loss of the pass, a scalar that carries its weight gradients (see `carry`); None if they are not
            computed yet.
    """

    logits: Tensor
    gradient: Tensor | None = None
    loss: Tensor | None = None


def clean_pass_with_gradient(
    model: nn.Module, batch: Batch, step: Step, *, keep_graph: bool, recompute: bool = False
) -> CleanPass:
    """One clean pass and an input-only backward.

    Args:
        model, batch, step: see `forward_pass`.
        keep_graph: whether the loss will use the logits, too; otherwise they are a constant.
        recompute: see `forward_pass`; only with `keep_graph`.
    """
    start = zero_delta(batch, embedding_width(model))
    recompute = recompute and keep_graph
    logits, gradient = input_gradient_at(model, batch, step, start, keep_graph=keep_graph, recompute=recompute)
    return CleanPass(logits if keep_graph else detached(logits), gradient)


def clean_pass_without_gradient(
    model: nn.Module, batch: Batch, step: Step, *, keep_graph: bool, recompute: bool = False
) -> CleanPass:
    """One clean pass without an input gradient; for the arguments see `clean_pass_with_gradient`."""
    with torch.set_grad_enabled(keep_graph):
        logits = forward_pass(model, batch, step, recompute=recompute and keep_graph)
    if not keep_graph:
        torch.clear_autocast_cache()  # casts that were cached here have no graph, and the other passes need one
    return CleanPass(logits)


def clean_pass_with_backward(model: nn.Module, batch: Batch, step: Step) -> CleanPass:
    """One clean pass whose single backward gives both its weight gradients and the attack's input gradient [ours].

    After "free" adversarial training, arXiv 1904.12843. This saves an input-only backward. The logits are then a
    constant in the divergence, because their graph is gone.
    """
    weights = step.trainable_weights(model)
    leaf = zero_delta(batch, embedding_width(model)).requires_grad_()
    # The graph of this pass is freed before the other passes begin, so they cannot share its embeddings.
    logits = forward_pass(model, batch, replace(step, embeddings=None), delta=leaf)
    task = step.task(model, logits, batch)
    loss = task.mean(task.loss(logits), step.num_items)
    scale = loss_scale(loss)
    *gradients, at_inputs = torch.autograd.grad(scale * loss, [*weights, leaf], allow_unused=True)
    torch.clear_autocast_cache()  # cached casts belong to the freed graph
    gradient = require_gradient(at_inputs) / scale
    return CleanPass(detached(logits), gradient, carry(loss.detach(), weights, gradients, scale))
