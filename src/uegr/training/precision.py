"""The number format of the passes, chosen by a measurement on the model's own shapes."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from uegr.training.run_config import Precision

ROWS = 512
"""Rows of the timed product: about the tokens of a small batch."""
ROUNDS = 5


def use_bf16(precision: Precision, model: nn.Module) -> bool:
    """Whether to run under bfloat16 autocast: as asked, or for "auto" where it multiplies faster.

    "auto" times a product of the model's largest weight matrix in both formats, in some 20 ms. Instruction flags of the
    processor decide nothing: one Xeon with avx512_bf16 multiplies bfloat16 at 0.6 of the speed of float32, and one EPYC
    with the same flag at twice the speed.

    Args:
        precision: "auto", "fp32" or "bf16".
        model: on the device on which it will run.
    """
    if precision != "auto":
        return precision == "bf16"
    matrices = [weight for name, weight in model.named_parameters() if weight.dim() == 2 and "embed" not in name]
    if not matrices:
        return False
    weight = max(matrices, key=lambda matrix: matrix.numel()).detach()
    inputs = torch.randn(ROWS, weight.shape[1], device=weight.device)
    seconds = {}
    for number_format in (torch.float32, torch.bfloat16):
        a, b = inputs.to(number_format), weight.to(number_format).T
        seconds[number_format] = _median_seconds(lambda a=a, b=b: a @ b, weight.device)  # type: ignore[misc]
    return seconds[torch.bfloat16] < seconds[torch.float32]


def _median_seconds(product: Callable[[], torch.Tensor], device: torch.device) -> float:
    product()  # warm-up
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        product()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times)
