"""The precision is the one that multiplies faster, unless one was asked for; a slow one is not silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from support.small_models import bert
from uegr.errors import UsageError
from uegr.training import precision
from uegr.training.precision import measure_in_bf16, use_bf16
from uegr.training.run_config import RunConfig


def set_seconds(patch: pytest.MonkeyPatch, seconds_of: dict[torch.dtype, float]) -> list[Tensor]:
    """Let a timed product take this time in each format; returns the products that are made."""
    products: list[Tensor] = []

    def median_seconds(product: Callable[[], Tensor]) -> float:
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


def test_float32_that_was_asked_for_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    products = set_seconds(monkeypatch, {})
    assert use_bf16("fp32", bert()) is False
    assert not products


@pytest.mark.parametrize(("bf16_seconds", "warned"), [(0.5, False), (1.9, False), (25.0, True)])
def test_bfloat16_that_was_asked_for_is_taken_with_a_warning_where_it_is_slow(
    bf16_seconds: float, warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_seconds(monkeypatch, {torch.float32: 1.0, torch.bfloat16: bf16_seconds})
    assert use_bf16("bf16", bert())
    assert ("bfloat16 takes 25 times as long as float32 on this device" in caplog.text) is warned


@pytest.mark.parametrize(("bf16_seconds", "expected"), [(0.5, True), (1.9, True), (25.0, False)])
def test_a_model_is_measured_as_it_was_trained_unless_that_is_slow_here(
    bf16_seconds: float, expected: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_seconds(monkeypatch, {torch.float32: 1.0, torch.bfloat16: bf16_seconds})
    assert measure_in_bf16(True, bert()) is expected
    assert ("it is measured in float32" in caplog.text) is not expected
    assert measure_in_bf16(False, bert()) is False


@pytest.mark.parametrize("supported", [True, False])
def test_on_a_gpu_nothing_is_timed(supported: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """All processes decide alike."""
    monkeypatch.setattr(precision, "default_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    products = set_seconds(monkeypatch, {})
    assert use_bf16("auto", bert()) is measure_in_bf16(True, bert()) is supported
    assert use_bf16("bf16", bert()) and not use_bf16("fp32", bert()) and not measure_in_bf16(False, bert())
    assert not products


def test_the_measurement_stops_early_where_a_product_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[float] = []
    monkeypatch.setattr(precision.time, "perf_counter", lambda: float(len(calls)))
    assert precision._median_seconds(lambda: calls.append(1.0)) == 1.0  # type: ignore[arg-type, return-value]
    assert len(calls) == 1


def test_the_measurement_draws_nothing_from_the_global_generator() -> None:
    model = bert()
    state = torch.get_rng_state()
    use_bf16("auto", model)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_without_matrices_runs_in_float32() -> None:
    assert use_bf16("auto", nn.LayerNorm(3)) is False


def test_a_real_measurement_takes_milliseconds_and_answers() -> None:
    assert use_bf16("auto", bert()) in (True, False)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown precision 'fp16'.*auto, fp32, bf16"):
        RunConfig(precision="fp16")  # type: ignore[arg-type]
