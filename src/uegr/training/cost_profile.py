"""What a method costs beside plain fine-tuning, on this machine, on this model, side by side."""

from __future__ import annotations

import copy
import resource
import statistics
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from uegr.methods.method import Method
from uegr.methods.registry import create_method
from uegr.modeling.profile import now, profile_section, profiled

Autocast = Callable[[], AbstractContextManager[Any]]
ROUNDS = 5


def measure_cost(
    model: nn.Module,
    batch: Mapping[str, Any],
    method: Method,
    autocast: Autocast,
    *,
    data_seconds: float = 0.0,
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Cost of one step of `method`, which must be fresh, beside that of one plain step: arithmetic, and time.

    Both are made on copies of the model with an AdamW each, in turn, after a warm-up. A step is loss, backward and
    update. Methods with plain steps in between are priced at the mean over their training.

    Args:
        model: any model that the method takes; it stays as it is.
        batch: as for `Method.loss`, on the model's device.
        method: bound to its tokenizer if it needs one.
        autocast: the precision of the passes.
        data_seconds: what it takes to make one batch, for the shares.
        rounds: steps of each; times are their medians.

    Returns:
        flops (of a step, exact), flop_ratio, step_seconds, time_ratio (to the plain step), tokens_per_second (no
        padding counted), peak_memory (bytes: of the device on CUDA, of this process elsewhere) and parts, the
        shares of a step's time, which add up to 1: attack, passes, other forward work, backward, selection (what the
        method's update takes beyond the plain optimizer), optimizer, data.
    """
    steps = [Stepper(model, batch, one, autocast) for one in (create_method("plain"), method)]
    flops = [step.flops() for step in steps]
    for _ in range(rounds):
        for step in steps:
            step()
    plain, own = ({name: statistics.median(times) for name, times in step.seconds().items()} for step in steps)
    share = method.forward.schedule.share
    mixed = {name: share * own[name] + (1.0 - share) * plain.get(name, 0.0) for name in own}
    mixed["selection"] = max(0.0, own["update"] - plain["update"])  # paid at plain steps too
    mixed["optimizer"] = own["update"] - mixed["selection"]
    del mixed["update"]
    seconds, base = sum(mixed.values()), sum(plain.values())
    mixed["data"] = data_seconds
    arithmetic = share * flops[1] + (1.0 - share) * flops[0]
    mask = batch.get("attention_mask", batch.get("input_ids"))
    return {
        "flops": arithmetic,
        "flop_ratio": arithmetic / flops[0],
        "step_seconds": seconds,
        "time_ratio": seconds / base,
        "tokens_per_second": (int((mask != 0).sum()) if mask is not None else len(batch["labels"])) / seconds,
        "peak_memory": peak_memory(),
        "parts": {name: value / (seconds + data_seconds) for name, value in mixed.items()},
    }


def peak_memory() -> int:
    """Bytes: the most that the CUDA device has held, or else the most that this process has."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) if sys.platform == "darwin" else 1024 * int(most)


def describe(cost: Mapping[str, Any]) -> str:
    """A measured cost in one sentence."""
    shares = sorted(cost["parts"].items(), key=lambda one: -one[1])
    parts = ", ".join(f"{name} {100 * value:.0f} %" for name, value in shares if value >= 0.005)
    return (
        f"{cost['tokens_per_second']:.0f} tokens a second, at most {cost['peak_memory'] / 2**20:.0f} MB; "
        f"a step's time: {parts}."
    )


class Stepper:
    """Steps of one method on a copy of the model, and what each part of them took."""

    def __init__(self, model: nn.Module, batch: Mapping[str, Any], method: Method, autocast: Autocast) -> None:
        self.model = copy.deepcopy(model).train()
        fused = next(self.model.parameters()).device.type in ("cpu", "cuda")
        adamw = torch.optim.AdamW(self.model.parameters(), lr=1e-5, fused=fused)
        self.optimizer = method.wrap_optimizer(adamw, self.model)
        self.batch, self.method, self.autocast = batch, method, autocast
        self._times: list[dict[str, float]] = []
        method.prepare(self.model, [batch])

    def flops(self) -> float:
        """Floating-point operations of a step, which also warms up."""
        with FlopCounterMode(display=False) as counter:
            self()
        self._times.clear()
        return float(counter.get_total_flops())

    def seconds(self) -> dict[str, list[float]]:
        """Part -> what it took in each step."""
        return {name: [one.get(name, 0.0) for one in self._times] for name in self._times[0]}

    def __call__(self) -> None:
        # A step past every ramp and warm-up, and one that is paid in full where only some are.
        self.method.load_state_dict({**self.method.state_dict(), "steps": self.method.forward.schedule.a_full_step})
        start = now()
        with profiled() as clock:
            with self.autocast():
                loss = self.method.loss(self.model, self.batch)
            clock["forward"] = now() - start - sum(clock.values())
            with profile_section("backward"):
                loss.backward()
            with profile_section("update"):
                self.optimizer.step()
                self.optimizer.zero_grad()
        self._times.append(dict(clock))
