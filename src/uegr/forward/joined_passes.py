"""The passes of a step as one batch: k copies of the rows, each with the dropout of its own pass.

Large matrices keep a processor busier than small ones, so that one pass over k copies of a small batch costs less than
k passes. Every dropout, that of fused attention included, is cut along the batch and drawn piece by piece, from the
rate and the random state that the pass would have had alone: the outputs are those of the passes one after another, to
rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from uegr.forward.forward_stage import Batch, Step, draw_seed, run, seeded
from uegr.modeling.dropout_sites import DropoutSites, Rates, checkpointed_layers
from uegr.modeling.embeddings import is_compiled, unwrap


class NotByRowError(Exception):
    """A dropout that does not belong to single rows, as that of DeBERTa's relative positions: the passes stay apart."""


PAYS_BELOW = {"cpu": 128, "cuda": 4096}
"""Tokens of a pass, padding included, up to which one batch is the faster way: measured on a CPU
(`python -m benchmarks.joint`, docs/performance.md), guessed for CUDA, where no machine was at hand."""


def joinable(model: nn.Module, batch: Batch, rates: Sequence[Rates | None]) -> bool:
    """Whether these passes can be one batch: every dropout of theirs can be cut along it."""
    ids: Tensor = batch["input_ids"]
    config = getattr(unwrap(model), "config", None)
    attention = getattr(config, "_attn_implementation", None) or "eager"
    return (
        ids.device.type in PAYS_BELOW
        and attention in ("eager", "sdpa")  # other kernels take the rate of a whole batch
        and not any(isinstance(rate, list) for rate in rates)
        and not is_compiled(model)
        and not checkpointed_layers(model)
        and not any(isinstance(one, (nn.RNNBase, nn.MultiheadAttention)) for one in model.modules())
        and ids.shape[1] != len(rates) * ids.shape[0]  # else nobody could tell rows from positions
    )


def pays(batch: Batch) -> bool:
    """Whether one batch is the faster way, by the rule that was measured."""
    ids: Tensor = batch["input_ids"]
    return ids.numel() <= PAYS_BELOW.get(ids.device.type, 0)


def joint_passes(
    model: nn.Module, batch: Batch, step: Step, *, delta: Tensor | None, sites: DropoutSites, rates: Sequence[Rates]
) -> list[Tensor]:
    """The logits of `len(rates)` passes of `batch`, from one pass of as many copies; see `forward_pass`.

    Raises:
        NotByRowError: the model's dropout cannot be told apart; the step's generator is as it was.
    """
    state = step.generator.get_state()
    passes, rows = len(rates), len(batch["labels"])
    copies = {
        key: torch.cat([value] * passes) if isinstance(value, Tensor) and value.shape[:1] == (rows,) else value
        for key, value in batch.items()
    }
    if step.embeddings is not None:
        step.embeddings.repeat(batch["input_ids"], copies["input_ids"], passes)
    seeds = [draw_seed(step) for _ in rates]
    largest = max(float(rate) for rate in rates)  # type: ignore[arg-type]
    device = batch["labels"].device
    with seeded(seeds[0], device), sites.at(largest, seeds[0]):
        try:
            with _OwnDropout(copies["input_ids"], largest, rates, seeds):
                logits = run(model, copies, step, None if delta is None else torch.cat([delta] * passes))
        except NotByRowError:
            step.generator.set_state(state)
            raise
    return list(logits.chunk(passes))


class _OwnDropout(TorchFunctionMode):
    """Draws the dropout of each copy of the rows by itself.

    Args:
        ids: token ids of all copies, (passes x B, T).
        written: the rate that the sites hold meanwhile: a dropout by another rate is none of theirs.
        rates, seeds: one a copy.
    """

    def __init__(self, ids: Tensor, written: float, rates: Sequence[Any], seeds: Sequence[int]) -> None:
        super().__init__()
        self.rows, self.length = ids.shape
        self.device, self.written, self.rates = ids.device, written, rates
        self.states = []
        for seed in seeds:
            torch.manual_seed(seed)
            self.states.append(self._state())

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.dropout:
            return self._dropout(*args, **kwargs)
        if func is F.scaled_dot_product_attention:
            return self._attention(*args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(self, values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0.0 or p != self.written:
            return F.dropout(values, p, training, inplace)
        along = self._rows_of(values)
        parts = zip(values.chunk(len(self.rates), along), self.rates, strict=True)
        return torch.cat([self._drawn(at, F.dropout, one, rate) for at, (one, rate) in enumerate(parts)], along)

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
        if dropout_p == 0.0 or dropout_p != self.written:
            return attend(query, key, value, attn_mask, dropout_p, *args, **kwargs)
        passes = len(self.rates)
        masks: Sequence[Tensor | None] = [attn_mask] * passes
        if attn_mask is not None and attn_mask.dim() > 2 and attn_mask.shape[0] > 1:
            masks = attn_mask.chunk(passes)
        parts = zip(query.chunk(passes), key.chunk(passes), value.chunk(passes), masks, self.rates, strict=True)
        return torch.cat([self._drawn(at, attend, *one, *args, **kwargs) for at, one in enumerate(parts)])

    def _rows_of(self, values: Tensor) -> int:
        """The dimension that holds the rows: the first, but in a model that puts positions first (XLNet)."""
        if values.shape[:2] == (self.length, self.rows):
            return 1
        if values.shape[:1] != (self.rows,):
            raise NotByRowError
        return 0

    def _drawn(self, at: int, function: Any, *args: Any, **kwargs: Any) -> Tensor:
        """A random function of one copy, from where its own random state stands."""
        self._restore(self.states[at])
        result: Tensor = function(*args, **kwargs)
        self.states[at] = self._state()
        return result

    def _state(self) -> Tensor:
        return torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else torch.get_rng_state()

    def _restore(self, state: Tensor) -> None:
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state, self.device)
        else:
            torch.set_rng_state(state)
