"""The dtype of the passes: on a CPU chosen by a measurement on the model's own shapes."""

import logging
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from uegr.modeling.devices import default_device
from uegr.training.training_options import Precision

ROWS = 512
"""Rows of the timed product: about the tokens of a small batch."""
ROUNDS = 5
ENOUGH_SECONDS = 0.5
"""No further round is started after this time."""
SLOW = 2.0
"""A dtype that takes more than this many times as long as float32 is slow."""

logger = logging.getLogger("uegr")


def use_bf16(precision: Precision, model: nn.Module) -> bool:
    """Whether a training runs under bfloat16 autocast: as asked, or for "auto" where it multiplies faster.

    A precision that was asked for is used, with a warning where it is slow. On a GPU nothing is timed: all processes,
    and all runs of a grid, must decide alike, and the time of a small product is mostly that of its start.

    Args:
        precision: "auto", "fp32" or "bf16".
        model: the model that will be trained.
    """
    if precision == "fp32":
        return False
    if default_device().type == "cuda":
        return precision == "bf16" or _gpu_has_bf16()
    time_ratio = bf16_time_ratio(model)
    if precision == "bf16" and time_ratio > SLOW:
        logger.warning(
            "bfloat16 takes %.0f times as long as float32 on this device: stop, and start again with --precision auto.",
            time_ratio,
        )
    return precision == "bf16" or time_ratio < 1.0


def measure_in_bf16(trained_in_bf16: bool, model: nn.Module) -> bool:
    """Whether a trained model is measured under bfloat16 autocast: as it was trained, unless that is slow here.

    A model may be trained on a GPU and measured on a processor that computes bfloat16 product by product.

    Args:
        trained_in_bf16: how it was trained.
        model: the trained model.
    """
    if not trained_in_bf16:
        return False
    if default_device().type == "cuda":
        return _gpu_has_bf16()
    time_ratio = bf16_time_ratio(model)
    if time_ratio > SLOW:
        logger.warning(
            "the model was trained in bfloat16, which takes %.0f times as long as float32 on this device: it is "
            "measured in float32.",
            time_ratio,
        )
    return time_ratio <= SLOW


def _gpu_has_bf16() -> bool:
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def bf16_time_ratio(model: nn.Module) -> float:
    """The time of a product in bfloat16 over that in float32, on the CPU; 1 without a matrix.

    A product of the model's largest weight matrix is timed, in some 20 ms, or at most a few seconds where bfloat16 is
    slow. The instruction flags of the processor do not tell which is faster: one Xeon with avx512_bf16 multiplies
    bfloat16 at 0.6 of the speed of float32, one EPYC with the same flag at twice the speed, and one without the flag at
    a sixth.
    """
    matrices = [weight for name, weight in model.named_parameters() if weight.dim() == 2 and "embed" not in name]
    if not matrices:
        return 1.0
    weight = max(matrices, key=lambda matrix: matrix.numel()).detach().cpu()
    inputs = torch.ones(ROWS, weight.shape[1])
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = inputs.to(dtype), weight.to(dtype).T
        seconds[dtype] = _median_seconds(lambda a=a, b=b: a @ b)  # type: ignore[misc]
    return seconds[torch.bfloat16] / seconds[torch.float32]


def _median_seconds(product: Callable[[], torch.Tensor]) -> float:
    """The first round warms up, and counts only if it takes longer than all rounds may."""
    times: list[float] = []
    while len(times) <= ROUNDS and sum(times) < ENOUGH_SECONDS:
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:] or times)
