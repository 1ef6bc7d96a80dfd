"""The number format is the one that multiplies faster, unless a format was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from support.small_models import bert
from uegr.errors import UsageError
from uegr.training import precision
from uegr.training.precision import use_bf16
from uegr.training.run_config import RunConfig


def set_seconds(patch: pytest.MonkeyPatch, seconds_of: dict[torch.dtype, float]) -> list[Tensor]:
    """Let a timed product take this time in each format; returns the products that are made."""
    products: list[Tensor] = []

    def median_seconds(product: Callable[[], Tensor], device: torch.device) -> float:
        products.append(product())
        return seconds_of[products[-1].dtype]

    patch.setattr(precision, "_median_seconds", median_seconds)
    return products


@pytest.mark.parametrize(("bf16_seconds", "expected"), [(0.5, True), (2.0, False), (1.0, False)])
def test_auto_takes_the_faster_format(bf16_seconds: float, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    set_seconds(monkeypatch, {torch.float32: 1.0, torch.bfloat16: bf16_seconds})
    assert use_bf16("auto", bert()) is expected


def test_auto_times_the_largest_matrix_that_is_no_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    products = set_seconds(monkeypatch, {torch.float32: 1.0, torch.bfloat16: 2.0})
    use_bf16("auto", bert(intermediate_size=48, vocab_size=500))
    assert [(product.shape[1], product.dtype) for product in products] == [(48, torch.float32), (48, torch.bfloat16)]


@pytest.mark.parametrize(("asked", "expected"), [("bf16", True), ("fp32", False)])
def test_a_format_that_was_asked_for_is_not_timed(asked: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    products = set_seconds(monkeypatch, {})
    assert use_bf16(asked, bert()) is expected
    assert not products


def test_a_model_without_matrices_runs_in_float32() -> None:
    assert use_bf16("auto", nn.LayerNorm(3)) is False


def test_a_real_measurement_takes_milliseconds_and_answers() -> None:
    assert use_bf16("auto", bert()) in (True, False)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown precision 'fp16'.*auto, fp32, bf16"):
        RunConfig(precision="fp16")  # type: ignore[arg-type]
