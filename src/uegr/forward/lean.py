"""Many passes at the memory of one: the gradient at the logits first, then pass by pass back to the weights.

    1. every pass without a graph:   z_i = f_i(x)
    2. the loss at the logits alone: g_i = dL/dz_i
    3. every pass again, with its own seed, and at once back:  dL/dtheta += (dz_i/dtheta)^T g_i

The gradient is that of the joint backward; the price is one forward a pass more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from uegr.forward.carried_gradients import add_up, carry, trainable
from uegr.forward.forward_stage import Step


def one_by_one(
    model: nn.Module, passes: Sequence[Callable[[], Tensor]], loss_of: Callable[[list[Tensor]], Tensor]
) -> Tensor:
    """The loss of several passes, its weight gradients computed already and carried by it.

    Args:
        model: whose trainable weights get the gradients.
        passes: each gives its logits, the same whenever it is called.
        loss_of: a scalar from all logits.
    """
    weights = trainable(model)
    with torch.no_grad():
        logits = [run().float() for run in passes]
    torch.clear_autocast_cache()  # the casts made above have no way back to the weights
    leaves = [one.requires_grad_() for one in logits]
    loss = loss_of(leaves)
    summed: list[Tensor | None] = [None] * len(weights)
    for run, gradient in zip(passes, torch.autograd.grad(loss, leaves), strict=True):
        again = run()
        parts = torch.autograd.grad(again, weights, gradient.to(again.dtype), allow_unused=True)
        add_up(summed, parts)
        del again, parts
        torch.clear_autocast_cache()
    return carry(loss.detach(), weights, summed)


def replayed(step: Step) -> Callable[[], Step]:
    """A function that gives this step with its generator as it stands now, however often it is called."""
    state = step.generator.get_state()

    def again() -> Step:
        generator = torch.Generator()
        generator.set_state(state)
        return replace(step, generator=generator, embeddings=None)

    return again
