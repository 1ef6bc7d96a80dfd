"""A model is measured on the GPU of its process, and no code mixes tensors of two devices."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from support.small_models import bert
from uegr import METHODS
from uegr.modeling import model_loading
from uegr.modeling.devices import default_device
from uegr.modeling.model_loading import load_trained

FURTHER = [
    "labels",
    "views",
    "own scores",
    "kept bins",
    "evaluate",
    "analyse",
    "attack pgd",
    "attack auto-pgd",
    "attack random-search",
    "attack deepwordbug",
    "attack homoglyphs",
]


@pytest.mark.parametrize(
    ("cuda", "rank", "expected"),
    [
        (False, None, "cpu"),
        (False, "1", "cpu"),
        (True, None, "cuda:0"),
        (True, "1", "cuda:1"),
        (True, "2", "cuda:0"),
        (True, "-1", "cuda:0"),
    ],
)
def test_the_device_is_the_gpu_of_the_process(
    cuda: bool, rank: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert str(default_device()) == expected


def test_a_trained_model_is_loaded_onto_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bert().save_pretrained(tmp_path)
    monkeypatch.setattr(model_loading, "default_device", lambda: torch.device("meta"))
    assert {weight.device.type for weight in load_trained(tmp_path).parameters()} == {"meta"}


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    """The numbers of every check on the CPU and on a second device that this machine does not have."""
    command = [sys.executable, "-m", "support.other_device"]
    process = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    content: dict[str, dict[str, Any]] = json.loads(process.stdout.splitlines()[-1])
    return content


@pytest.mark.parametrize("name", [*METHODS, *FURTHER])
def test_another_device_computes_the_same(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert "error" not in results[name], results[name]["error"]
    assert results[name]["other"] == pytest.approx(results[name]["cpu"], abs=1e-5)


def test_every_check_of_the_device_is_looked_at(results: dict[str, dict[str, Any]]) -> None:
    assert set(results) == {*METHODS, *FURTHER}
