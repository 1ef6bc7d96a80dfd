"""The fast form of `mask_modes.step_with_masked_update` under AdamW, in one pass over memory.

    theta <- theta + m * u / p,   u AdamW's own step,   p from AdamW's second moment,   m never stored

It works in portions that stay in the processor's cache, where score, probability, mask, AdamW's kernel and the masked
step follow each other. The readable form writes a tensor as large as the model for each of them, so memory bandwidth
limits its speed. tests/backward/test_fused_update.py compares the two.
"""

from typing import Any

import torch
from torch import Tensor

from uegr.backward.saliency_scores import SECOND_MOMENT
from uegr.backward.selection import BINS
from uegr.backward.uniform_draws import TILE, Draws


class FusedUpdate:
    """The update on the CPU, with scratch memory for one portion."""

    def __init__(self) -> None:
        self._bins = torch.empty(TILE, dtype=torch.int32)
        self._p, self._factor, self._moved = torch.empty(3, TILE).unbind()

    def step(
        self, optimizer: torch.optim.Optimizer, selectable: set[int], table: Tensor, draws: Draws, rescale: bool
    ) -> None:
        """One optimizer step.

        Args:
            optimizer: one that is `fusible`.
            selectable: positions among all its parameters; the others are updated whole.
            table: update probability of each bin of scores; see `Selection.table`.
            draws: this step's random numbers.
            rescale: divide the step by p.
        """
        first = 0
        for group in optimizer.param_groups:
            beta1, beta2 = group["betas"]
            numbers = {"beta1": beta1, "beta2": beta2, "amsgrad": False}
            numbers |= {name: group[name] for name in ("weight_decay", "eps", "maximize")} | {"lr": float(group["lr"])}
            for i, parameter in enumerate(group["params"], start=first):
                if parameter.grad is None:
                    continue
                state = optimizer.state[parameter]
                state["step"] += 1
                tensors = (parameter.detach(), parameter.grad, state["exp_avg"], state[SECOND_MOMENT])
                flat = [tensor.view(-1) for tensor in tensors]
                if i in selectable:
                    for uniforms, weight, *rest in draws.portions(i, *flat):
                        factor = self._factors(rest[-1], table, uniforms, rescale)
                        # AdamW's step u alone: it begins with the weight decay, and the kernel adds the rest.
                        moved = self._moved[: weight.numel()]
                        torch.mul(weight, -numbers["lr"] * numbers["weight_decay"], out=moved)
                        _adamw((moved, *rest), state["step"], {**numbers, "weight_decay": 0.0})
                        weight.addcmul_(moved, factor)
                else:
                    _adamw(flat, state["step"], numbers)
            first += len(group["params"])

    def _factors(self, moment: Tensor, table: Tensor, uniforms: Tensor, rescale: bool) -> Tensor:
        """m, or m / p, of one portion's elements."""
        count = moment.numel()
        bins, p, factor = self._bins[:count], self._p[:count], self._factor[:count]
        torch.bitwise_right_shift(moment.view(torch.int32), 16, out=bins).bitwise_and_(BINS - 1)  # see `bin_of`
        torch.index_select(table, 0, bins, out=p)
        torch.lt(uniforms, p, out=factor)
        return factor.div_(p) if rescale else factor


def fusible(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the fused update can make this optimizer's step.

    It can if the optimizer is torch's own AdamW on dense float32 parameters on the CPU, has no options or hooks that
    the update would ignore, and has made a step.
    """
    if type(optimizer) is not torch.optim.AdamW or optimizer._optimizer_step_pre_hooks:
        return False
    if optimizer._optimizer_step_post_hooks:
        return False
    return all(
        not any(group[name] for name in ("amsgrad", "capturable", "differentiable"))
        and all(_is_plain(weight, optimizer.state) for weight in group["params"] if weight.grad is not None)
        for group in optimizer.param_groups
    )


def _is_plain(parameter: Tensor, states: Any) -> bool:
    state = states.get(parameter)
    if not state or parameter.grad is None:
        return False
    return all(
        type(tensor) in (Tensor, torch.nn.Parameter)  # no DTensor, no quantized subclass
        and (tensor.dtype, tensor.device.type, tensor.layout) == (torch.float32, "cpu", torch.strided)
        and tensor.is_contiguous()
        for tensor in (parameter, parameter.grad, state["exp_avg"], state[SECOND_MOMENT])
    )


def _adamw(tensors: Any, step: Tensor, numbers: dict[str, Any]) -> None:
    weight, gradient, mean, moment = tensors
    torch._fused_adamw_([weight], [gradient], [mean], [moment], [], [step], **numbers)
