"""What a method costs beside plain fine-tuning, on this machine, on this model, side by side."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from uegr.method import Method
from uegr.methods import create_method

Autocast = Callable[[], AbstractContextManager[Any]]
ROUNDS = 5


def measure_cost(model: nn.Module, batch: Mapping[str, Any], method: Method, autocast: Autocast) -> dict[str, float]:
    """Ratios of one step of `method`, which must be fresh, to one plain step: exact arithmetic, and time.

    Both are made on copies of the model with an AdamW each, in turn, after a warm-up; the time ratio is that
    of the medians of five. A step is loss, backward and update.

    Returns:
        {"flop_ratio": ..., "time_ratio": ...}
    """
    steps = [_step(model, batch, one, autocast) for one in (create_method("plain"), method)]
    flops = []
    for step in steps:
        with FlopCounterMode(display=False) as counter:
            step()
        flops.append(counter.get_total_flops())
    seconds: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for step, times in zip(steps, seconds, strict=True):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
    plain, other = (statistics.median(times) for times in seconds)
    return {"flop_ratio": flops[1] / flops[0], "time_ratio": other / plain}


def _step(model: nn.Module, batch: Mapping[str, Any], method: Method, autocast: Autocast) -> Callable[[], None]:
    twin = copy.deepcopy(model).train()
    fused = next(twin.parameters()).device.type in ("cpu", "cuda")
    optimizer = method.wrap_optimizer(torch.optim.AdamW(twin.parameters(), lr=1e-5, fused=fused), twin)
    method.prepare(twin, [batch])

    def step() -> None:
        with autocast():
            loss = method.loss(twin, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step
