"""Nothing in a step waits for the device: no number is read back from a tensor on the model's device, but for what the
model itself reads. On a CPU the reads are counted as they are dispatched."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from conftest import batch, bert
from uegr import create_method

WAITING = {"aten._local_scalar_dense.default", "aten.nonzero.default", "aten.masked_select.default"}


class Reads(TorchDispatchMode):
    """Counts what would make the host wait, by operator; tensors of one element drawn as seeds apart."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if str(function) in WAITING:
            # Seeds are drawn on the CPU wherever the model is: 64-bit scalars.
            seed = args[0].dim() == 0 and args[0].dtype == torch.int64
            self.counts["seed" if seed else str(function)] += 1
        return function(*args, **(kwargs or {}))


def reads(name: str, **options: Any) -> Counter[str]:
    model = bert().train()
    method = create_method(name, total_steps=50, **options)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True), model)
    for i in range(3):  # past the first step and its renewal of the ranks
        counter = Reads()
        with counter:
            method.loss(model, batch(seed=i)).backward()
            optimizer.step()
            optimizer.zero_grad()
    return counter.counts


@pytest.mark.parametrize("options", [{}, {"clean_weight": 0.0, "passes": 3}, {"lean": True}, {"meaning": "frozen"}])
def test_a_step_reads_nothing_back_beyond_what_the_model_reads(options: dict[str, Any]) -> None:
    plain = reads("plain")
    passes = 1 + options.get("passes", 2)
    if options.get("lean"):
        passes = 1 + 2 * passes  # the attack's, and each of the others twice
    found = reads("uegr", **options)
    del found["seed"]
    del plain["seed"]
    assert all(found[name] <= passes * plain[name] for name in found), (found, plain)
