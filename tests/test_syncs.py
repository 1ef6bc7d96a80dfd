"""Nothing in a step waits for the device.

No number is read back from a tensor on the model's device, except what the model itself reads. On a CPU the reads are
counted as they are dispatched. Views that edit texts do wait (docs/performance.md); the steps here have no tokenizer.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from support.small_models import batch, bert
from uegr.methods.method_lookup import make_config

INDEX = "aten.index.Tensor"
WAITING = {"aten._local_scalar_dense.default", "aten.nonzero.default", "aten.masked_select.default"}
SEED = "seed"


class Reads(TorchDispatchMode):
    """Counts what makes the host wait, by operator; seeds, which are drawn on the CPU, are counted apart."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.calls = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        if str(function) in WAITING or _indexes_by_mask(function, args):
            # Seeds are 64-bit scalars, and are drawn on the CPU wherever the model is.
            is_seed = args[0].dim() == 0 and args[0].dtype == torch.int64
            self.counts[SEED if is_seed else str(function)] += 1
        return function(*args, **(kwargs or {}))


def _indexes_by_mask(function: Any, args: Any) -> bool:
    """Whether the number of selected elements has to be known, as in values[values > 0]."""
    return str(function) == INDEX and any(index is not None and index.dtype == torch.bool for index in args[1])


def reads_of_a_step(name: str, **options: Any) -> Counter[str]:
    """The reads of the third step, past the first one and its ranking."""
    model = bert().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    method = make_config(name, options).attach(model=model, optimizer=optimizer)
    for i in range(3):
        reads = Reads()
        with reads:
            method.loss(batch(seed=i)).backward()
            method.optimizer.step()
            method.optimizer.zero_grad()
    assert reads.calls > 100, "the step was not observed"
    assert reads.counts[SEED] > 0, "every pass reads the seed that it draws: reads were not observed"
    return reads.counts


def test_a_read_is_observed() -> None:
    with Reads() as reads:
        values = torch.rand(3)
        values.sum().item()
        values[values > 0.5]
        torch.nonzero(values)
        values[torch.tensor([0, 2])]  # the size is known
    assert reads.counts == {"aten._local_scalar_dense.default": 1, "aten.nonzero.default": 1, INDEX: 1}


@pytest.mark.parametrize(
    "options", [{}, {"clean_weight": 0.0, "passes": 3}, {"checkpoint_passes": True}, {"mask_mode": "frozen"}]
)
def test_a_step_reads_nothing_back_beyond_what_the_model_reads(options: dict[str, Any]) -> None:
    plain, uegr = reads_of_a_step("plain"), reads_of_a_step("uegr", **options)
    passes = 1 + options.get("passes", 2)
    assert plain.pop(SEED) == 1
    assert uegr.pop(SEED) == passes
    if options.get("checkpoint_passes"):
        passes = 1 + 2 * passes  # the attack's, and each of them again in the backward pass
    assert all(count <= passes * plain[operator] for operator, count in uegr.items()), (uegr, plain)
