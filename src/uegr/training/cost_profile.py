"""The cost of a method and of plain fine-tuning, measured side by side on this machine and model."""

import copy
import statistics
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from uegr.methods.method import Method
from uegr.methods.registry import PlainConfig
from uegr.modeling.profile import now, profile_section, profiled

Autocast = Callable[[], AbstractContextManager[Any]]
ROUNDS = 5
ATTENTION_ON_CPU: dict[Any, Callable[..., int]] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (
        lambda query, key, value, *args, **kwargs: sdpa_flop_count(query, key, value)
    ),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: (
        lambda gradient, query, key, value, *args, **kwargs: sdpa_backward_flop_count(gradient, query, key, value)
    ),
}
"""The operations of attention without dropout on a CPU, by shapes: torch's counter knows only the kernels of GPUs."""


def measure_cost(
    model: nn.Module,
    batch: Mapping[str, Any],
    method: Method,
    autocast: Autocast,
    *,
    tokenizer: Any = None,
    data_seconds: float = 0.0,
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Cost of one step of `method` beside that of one plain step: arithmetic and time.

    Both are run on copies of the model with an AdamW each, in turn, so that a change of the machine's speed affects
    both, after a warm-up. A step is loss, backward and update. Two copies at once need more memory than a training.

    Args:
        model: any model that the method accepts; it stays as it is.
        batch: as for `Method.loss`, on the model's device.
        method: a fresh method, not yet attached.
        autocast: the precision of the passes.
        tokenizer: of the model, for views that edit texts.
        data_seconds: the time to make one batch, for the shares.
        rounds: steps of each; times are their medians.

    Returns:
        flops (of a step, exact), flop_ratio, step_seconds, time_ratio (to the plain step), tokens_per_second (no
        padding counted) and parts, the shares of a step's time, which add up to 1: attack, views, passes, other forward
        work, backward, selection (the time of the method's update above the plain optimizer's), optimizer, data.
    """
    steps = [Stepper(model, batch, compared, autocast, tokenizer) for compared in (PlainConfig().create(), method)]
    flops = [step.flops() for step in steps]
    for _ in range(rounds):
        for step in steps:
            step()
    plain, of_method = ({name: statistics.median(times) for name, times in step.seconds().items()} for step in steps)
    parts = dict(of_method)
    parts["selection"] = max(0.0, of_method["update"] - plain["update"])
    parts["optimizer"] = parts.pop("update") - parts["selection"]
    seconds = sum(parts.values())
    parts["data"] = data_seconds
    mask = batch.get("attention_mask", batch.get("input_ids"))
    return {
        "flops": flops[1],
        "flop_ratio": flops[1] / flops[0],
        "step_seconds": seconds,
        "time_ratio": seconds / sum(plain.values()),
        "tokens_per_second": (int((mask != 0).sum()) if mask is not None else len(batch["labels"])) / seconds,
        "parts": {name: value / (seconds + data_seconds) for name, value in parts.items()},
    }


def cost_in_words(cost: Mapping[str, Any]) -> str:
    """A measured cost, with the peak memory of its training, in one sentence."""
    shares = sorted(cost["parts"].items(), key=lambda part: -part[1])
    parts = ", ".join(f"{name} {100 * value:.0f} %" for name, value in shares if value >= 0.005)
    peak = cost["peak_memory"]
    memory = "" if peak is None else f", at most {peak / 2**20:.0f} MB"
    return f"{cost['tokens_per_second']:.0f} tokens per second{memory}; time of a step: {parts}."


class Stepper:
    """Steps of one method on a copy of the model, and the time of each part of them."""

    def __init__(
        self, model: nn.Module, batch: Mapping[str, Any], method: Method, autocast: Autocast, tokenizer: Any = None
    ) -> None:
        self.model = copy.deepcopy(model).train()
        fused = next(self.model.parameters()).device.type in ("cpu", "cuda")
        adamw = torch.optim.AdamW(self.model.parameters(), lr=1e-5, fused=fused)
        self.optimizer = method.wrap_optimizer(adamw, self.model, tokenizer)
        self.batch, self.method, self.autocast = batch, method, autocast
        self._times: list[dict[str, float]] = []
        method.prepare([batch])

    def flops(self) -> float:
        """Floating-point operations of a step after the first, in which a method also looks at a model's own loss."""
        self()
        with FlopCounterMode(display=False, custom_mapping=ATTENTION_ON_CPU) as counter:
            self()
        self._times.clear()
        return float(counter.get_total_flops())

    def seconds(self) -> dict[str, list[float]]:
        """Part -> its time in each step."""
        return {name: [times.get(name, 0.0) for times in self._times] for name in self._times[0]}

    def __call__(self) -> None:
        start = now()
        with profiled() as clock:
            with self.autocast():
                loss = self.method.loss(self.batch)
            clock["forward"] = now() - start - sum(clock.values())
            with profile_section("backward"):
                loss.backward()
            with profile_section("update"):
                self.optimizer.step()
                self.optimizer.zero_grad()
        self._times.append(dict(clock))
