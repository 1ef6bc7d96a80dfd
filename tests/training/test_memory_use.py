"""The peak of a training's memory, and the state of its optimizer."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from support.small_models import batch, bert
from uegr import UEGRConfig
from uegr.training.memory_use import free_optimizer, peak_memory, reset_peak_memory


def test_the_peak_is_that_of_the_process_without_a_gpu() -> None:
    reset_peak_memory()
    assert 2**20 < (peak_memory() or 0) < 2**45


def test_without_the_module_resource_memory_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where `import resource` fails."""
    program = "import sys, transformers; transformers.Trainer; sys.modules['resource'] = None; import uegr.runs.train"
    subprocess.run([sys.executable, "-c", program], check=True)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory() is None


def test_the_peak_is_that_of_the_gpu_since_it_was_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = [9_000]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", peaks.clear)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: sum(peaks))
    assert peak_memory() == 9_000
    reset_peak_memory()
    assert peak_memory() == 0


def test_the_optimizer_inside_its_wrappers_is_freed() -> None:
    model = bert()
    optimizer = torch.optim.AdamW(model.parameters())
    model(**batch()).loss.backward()
    optimizer.step()
    staged = UEGRConfig().create().wrap_optimizer(optimizer, model)
    assert optimizer.state

    class Trained:
        def __init__(self) -> None:
            self.optimizer = staged

    free_optimizer(Trained())  # type: ignore[arg-type]
    assert not optimizer.state
