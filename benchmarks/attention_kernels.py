"""Both passes of attention, fused and in separate operations, on this CPU, for `uegr.modeling.attention_kernel`.

python -m benchmarks.attention_kernels     into benchmarks/results/attention.json
"""

import statistics
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.timing import in_turn, machine
from uegr.atomic_files import write_json

RESULT = Path(__file__).parent / "results" / "attention.json"
SHAPES = [(64, 12, 30, 32), (32, 12, 32, 64), (64, 12, 64, 32), (64, 12, 128, 32), (4, 12, 512, 32), (4, 12, 512, 64)]
"""Texts, heads, tokens, width of a head."""
KERNELS = {"fused": SDPBackend.FLASH_ATTENTION, "separate": SDPBackend.MATH}
ROUNDS = 5


def milliseconds(shape: tuple[int, int, int, int], number_format: torch.dtype) -> dict[str, float]:
    """Median time of each kernel, in turn, with three padded tokens per text."""
    texts, _, tokens, _ = shape
    inputs = [torch.randn(shape, dtype=number_format, requires_grad=True) for _ in range(3)]
    mask = torch.ones(texts, 1, tokens, tokens, dtype=torch.bool)
    mask[..., -3:] = False

    def both_passes(kernel: SDPBackend) -> None:
        with sdpa_kernel(kernel):
            torch.autograd.grad(F.scaled_dot_product_attention(*inputs, attn_mask=mask).sum(), inputs)

    seconds = in_turn({name: partial(both_passes, kernel) for name, kernel in KERNELS.items()}, ROUNDS)
    return {name: 1000 * statistics.median(measured) for name, measured in seconds.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    measured = [
        {"shape": shape, "format": str(number_format).removeprefix("torch."), **milliseconds(shape, number_format)}
        for number_format in (torch.float32, torch.bfloat16)
        for shape in SHAPES
    ]
    write_json(RESULT, {"machine": machine(), "milliseconds": measured})
