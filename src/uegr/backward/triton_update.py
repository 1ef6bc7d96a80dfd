"""The fused update as one kernel for CUDA, in Triton: score, probability, mask, AdamW and the masked step at once.

Every element is read once and written once: weight, gradient and both moments in, weight and moments out; mask, score
and probability stay in registers. Triton comes with PyTorch's builds for CUDA; without it the readable form runs. Tests
compare the kernel with its readable form in Triton's interpreter, which needs no GPU.
"""

import importlib.util
import math
import warnings
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from uegr.backward.saliency_scores import MOMENT
from uegr.backward.selection import BINS
from uegr.backward.uniform_draws import TILE, Draws

BLOCK = 1024
"""Elements a program handles; a divisor of TILE, so that all of them are in one row of the draws."""


@cache
def usable(device: str = "cuda") -> bool:
    """Whether Triton is there and, tried once on a small tensor, makes AdamW's step on this machine."""
    if importlib.util.find_spec("triton") is None or (device == "cuda" and not torch.cuda.is_available()):
        return False
    first, second = (torch.linspace(-1.0, 1.0, 3000, device=device).requires_grad_() for _ in range(2))
    fused, reference = (torch.optim.AdamW([weight], lr=0.1) for weight in (first, second))
    for weight in (first, second):
        weight.grad = weight.detach().square()
    for optimizer in (fused, reference, reference):
        optimizer.step()
    try:
        TritonUpdate(device).step(fused, {0}, torch.ones(BINS, device=device), Draws(0), True)
    except Exception as error:  # noqa: BLE001 - whatever a compiler, a driver or a version of Triton may raise
        warnings.warn(f"Triton's kernel does not work here, the readable form runs: {error}", stacklevel=2)
        return False
    return torch.allclose(first, second, atol=1e-5)


class TritonUpdate:
    """The update on a device; see `FusedUpdate.step` for the arguments.

    Args:
        device: "cuda"; "cpu" only under Triton's interpreter.
    """

    def __init__(self, device: str = "cuda") -> None:
        self.device = device

    def step(
        self, optimizer: torch.optim.Optimizer, selectable: set[int], table: Tensor, draws: Draws, rescale: bool
    ) -> None:
        from uegr.backward.triton_kernel import adamw_selected  # Triton is imported where it is needed

        numbered: list[tuple[int, Tensor, dict[str, Any]]] = []
        for group in optimizer.param_groups:
            first = len(numbered)
            numbered += [(first + i, weight, group) for i, weight in enumerate(group["params"])]
        live = [(i, weight, group) for i, weight, group in numbered if weight.grad is not None]
        shifts, places = _shifts([(i, weight) for i, weight, _ in live if i in selectable], draws)
        steps = self._advanced([optimizer.state[weight] for _, weight, _ in live])
        device = live[0][1].device if live else torch.device(self.device)
        drawn = torch.from_numpy(shifts).to(device, non_blocking=True)
        table = table.to(device)
        for (i, parameter, group), step in zip(live, steps, strict=True):
            state, count = optimizer.state[parameter], parameter.numel()
            beta1, beta2 = group["betas"]
            adamw_selected[(-(-count // BLOCK),)](
                parameter.detach(),
                parameter.grad,
                state["exp_avg"],
                state[MOMENT],
                step,
                table,
                draws.tile(device),
                drawn[places.get(i, 0) :],
                count,
                float(group["lr"]),
                beta1,
                beta2,
                math.log(beta1) if beta1 else -math.inf,
                math.log(beta2),
                group["weight_decay"],
                group["eps"],
                SELECT=i in selectable,
                RESCALE=rescale,
                MAXIMIZE=bool(group["maximize"]),
                TILE=TILE,
                BLOCK=BLOCK,
            )

    def _advanced(self, states: list[dict[str, Any]]) -> list[Tensor]:
        """Count a step in every state; returns the counts on the device, in one transfer."""
        counts: list[Tensor] = [state["step"] for state in states]
        if not counts:
            return []
        torch._foreach_add_(counts, 1.0)
        if counts[0].device.type == self.device:
            return counts
        return list(torch.stack(counts).to(self.device, non_blocking=True).unbind())


def _shifts(parameters: list[tuple[int, Tensor]], draws: Draws) -> tuple[np.ndarray, dict[int, int]]:
    """The shifts of all rows of the selectable parameters end to end, and where each parameter's begin."""
    rows = {i: draws.shifts(i, -(-weight.numel() // TILE)) for i, weight in parameters}
    ends = np.cumsum([0, *(len(shifts) for shifts in rows.values())])
    joined = np.concatenate([*rows.values(), np.zeros(1, dtype=np.float32)])
    return joined, {i: int(end) for i, end in zip(rows, ends[:-1], strict=True)}
