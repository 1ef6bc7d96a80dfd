"""Weights that are sharded in another way than FSDP2's are refused; FSDP2 itself: tests/settings/worker.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from support.small_models import bert
from uegr import FreeLBConfig, UsageError
from uegr.training.sharded_trainer import check_sharding, load_method_state, save_method_state


@pytest.mark.parametrize(("deepspeed", "version"), [(True, None), (False, 1), (False, 2), (False, None)])
def test_flat_shards_are_refused(deepspeed: bool, version: int | None) -> None:
    state = SimpleNamespace(fsdp_plugin=version and SimpleNamespace(fsdp_version=version))
    trainer = SimpleNamespace(
        is_deepspeed_enabled=deepspeed, is_fsdp_enabled=version is not None, accelerator=SimpleNamespace(state=state)
    )
    if deepspeed or version == 1:
        with pytest.raises(UsageError, match="FSDP2 .*or start with torchrun"):
            check_sharding(trainer)
    else:
        check_sharding(trainer)


def test_an_added_process_takes_the_state_of_the_first(tmp_path: Path) -> None:
    def method(calls: int) -> object:
        model = bert()
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        method = FreeLBConfig().attach(model=model, optimizer=sgd)
        method.load_state_dict({**method.state_dict(), "calls": calls})
        return method

    saved, added = method(5), method(0)
    assert not load_method_state(added, tmp_path, 1), "the checkpoint of an earlier version has none"
    save_method_state(saved, tmp_path, 0)
    assert load_method_state(added, tmp_path, 1) and added.state_dict()["calls"] == 5
