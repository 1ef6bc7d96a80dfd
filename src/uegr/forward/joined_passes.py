"""The passes of a step as one batch: k copies of the rows, each with the dropout of its own pass.

Large matrices keep a processor busier than small ones, so one pass over k copies of a small batch costs less than k
passes. Every dropout, that of fused attention included, is split along the batch and drawn piece by piece, with the
rate and the random state that the pass would have alone. The outputs therefore equal those of k separate passes, up to
rounding, if the model draws no other random numbers.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from uegr.errors import UsageError
from uegr.forward.model_pass import draw_seed, run_model, seeded, set_seed
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.activation_checkpointing import checkpointed_layers
from uegr.modeling.data_parallel import several_processes
from uegr.modeling.dropout_sites import SiteRate
from uegr.modeling.model_wrappers import config_value, is_compiled


class NotByRowError(Exception):
    """The passes cannot be joined: some dropout cannot be split by rows, or is recomputed in the backward pass."""


BY_ROW = {
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "decoder_input_ids",
    "decoder_attention_mask",
    "labels",
}
"""Inputs that hold one row per example, or one for all. Other inputs are refused: their first dimension may equal B by
chance."""
NOT_BY_ROW = (nn.RNNBase, nn.MultiheadAttention, nn.modules.batchnorm._BatchNorm)
"""Modules with a dropout of their own inside, or with statistics over the rows of a batch."""
FASTER_UP_TO = {"cpu": 128, "cuda": 8192}
"""Largest number of tokens of a pass, padding included, for which one batch is faster. Measured on a CPU
(benchmarks/results/joint.json) and on an H200 (benchmarks/results/gpu-passes.json); see docs/performance.md."""


def can_be_joined(model: nn.Module, batch: Batch, passes: int) -> bool:
    """Whether the passes can run as one batch: the model must treat each row separately, and so must its dropout."""
    ids: Tensor = batch["input_ids"]
    positions = batch.get("position_ids")
    attention = config_value(model, "_attn_implementation") or "eager"
    return (
        attention in ("eager", "sdpa")  # other kernels take one rate for a whole batch
        and not is_compiled(model)
        and not checkpointed_layers(model)
        and not any(isinstance(module, NOT_BY_ROW) for module in model.modules())
        and ids.dim() == 2
        and all(key in BY_ROW or isinstance(value, int | float | str | None) for key, value in batch.items())
        and (positions is None or positions.dim() == 2)  # those of Qwen2-VL have a first dimension of 3
        and ids.shape[1] != passes * ids.shape[0]  # else rows could not be told from positions
    )


def is_faster_joined(batch: Batch) -> bool:
    """Whether one batch is faster, by the measured rule; never in several processes.

    The batches of several processes differ in length, and each process must make the same number of forward passes:
    DistributedDataParallel sends buffers in every pass, and FSDP weights.
    """
    if several_processes():
        return False
    ids: Tensor = batch["input_ids"]
    return ids.numel() <= FASTER_UP_TO.get(ids.device.type, 0)


def run_joined(
    model: nn.Module, batch: Batch, step: Step, *, delta: Tensor | None, rates: Sequence[float]
) -> list[Tensor]:
    """The logits of `len(rates)` passes of `batch`, from one pass of that many copies; see `PassRunner.run`.

    Raises:
        NotByRowError: the model's dropout cannot be split; the step's generator is restored.
    """
    sites, state = step.sites, step.generator.get_state()
    if sites is None:
        raise UsageError("passes with dropout rates need step.sites: set it with self.dropout_sites(model) first.")
    passes, rows = len(rates), len(batch["labels"])
    copies = {
        key: torch.cat([value] * passes) if isinstance(value, Tensor) and value.shape[:1] == (rows,) else value
        for key, value in batch.items()
    }
    if step.embeddings is not None:
        step.embeddings.repeat(batch["input_ids"], copies["input_ids"], passes)
    seeds = [draw_seed(step) for _ in rates]
    device = batch["labels"].device
    with seeded(seeds[0], device), sites.at(SiteRate(max(rates)), seeds[0]):
        try:
            with _DropoutPerCopy(copies["input_ids"], rates, seeds):
                logits = run_model(model, copies, step, None if delta is None else torch.cat([delta] * passes))
            if sites.is_recomputed:
                raise NotByRowError
        except NotByRowError:
            step.generator.set_state(state)
            raise
    return list(logits.chunk(passes))


class _DropoutPerCopy(TorchFunctionMode):
    """Draws the dropout of each copy of the rows separately.

    Only the dropout of the sites is split, whose rate is a `SiteRate`; any other dropout of the model stays as it is.

    Args:
        ids: token ids of all copies, (passes x B, T).
        rates, seeds: one per copy.
    """

    def __init__(self, ids: Tensor, rates: Sequence[float], seeds: Sequence[int]) -> None:
        super().__init__()
        self.rows, self.length = ids.shape
        self.device, self.rates = ids.device, rates
        self.states = []
        for seed in seeds:
            set_seed(seed, self.device)
            self.states.append(self._state())

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.dropout:
            return self._dropout(*args, **kwargs)
        if func is F.scaled_dot_product_attention:
            return self._attention(*args, **kwargs)
        if any(isinstance(argument, SiteRate) for argument in (*args, *kwargs.values())):
            raise NotByRowError  # another kind of dropout, which would take one rate for all copies
        return func(*args, **kwargs)

    def _dropout(self, values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0.0 or not isinstance(p, SiteRate):
            return F.dropout(values, float(p), training, inplace)
        dimension = self._row_dimension(values)
        parts = zip(values.chunk(len(self.rates), dimension), self.rates, strict=True)
        drawn = [self._draw(copy, F.dropout, part, rate) for copy, (part, rate) in enumerate(parts)]
        return torch.cat(drawn, dimension)

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        attend = F.scaled_dot_product_attention
        if dropout_p == 0.0 or not isinstance(dropout_p, SiteRate):
            return attend(query, key, value, attn_mask, float(dropout_p), *args, **kwargs)
        passes = len(self.rates)
        masks: Sequence[Tensor | None] = [attn_mask] * passes
        if attn_mask is not None and attn_mask.dim() > 2 and attn_mask.shape[0] > 1:
            masks = attn_mask.chunk(passes)
        parts = zip(query.chunk(passes), key.chunk(passes), value.chunk(passes), masks, self.rates, strict=True)
        return torch.cat([self._draw(copy, attend, *part, *args, **kwargs) for copy, part in enumerate(parts)])

    def _row_dimension(self, values: Tensor) -> int:
        """The dimension that holds the rows: the first, except in a model that puts positions first (XLNet)."""
        if values.shape[:2] == (self.length, self.rows):
            return 1
        if values.shape[:1] != (self.rows,):
            raise NotByRowError
        return 0

    def _draw(self, copy: int, function: Any, *args: Any, **kwargs: Any) -> Tensor:
        """A random function of one copy, continuing that copy's random state."""
        self._restore(self.states[copy])
        result: Tensor = function(*args, **kwargs)
        self.states[copy] = self._state()
        return result

    def _state(self) -> Tensor:
        return torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else torch.get_rng_state()

    def _restore(self, state: Tensor) -> None:
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state, self.device)
        else:
            torch.set_rng_state(state)
