"""bfloat16 products by way of float32, beside PyTorch's own kernels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from conftest import batch, bert
from uegr.training.products import RoundedProducts, bf16_products

ULP = 2.0**-7
"""The step between two bfloat16 numbers, relative to them."""


def _some(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    mask = torch.ones(7, 7, dtype=torch.bool).tril()
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


@pytest.mark.parametrize(
    ("product", "shapes"),
    [
        (torch.mm, ((33, 65), (65, 17))),
        (torch.addmm, ((17,), (33, 65), (65, 17))),
        (torch.bmm, ((3, 5, 65), (3, 65, 7))),
        (torch.baddbmm, ((3, 5, 7), (3, 5, 65), (3, 65, 7))),
        (functional.conv1d, ((2, 8, 20), (6, 8, 3))),
        (_attention, ((2, 3, 7, 16),) * 3),
    ],
)
def test_products_and_their_gradients_are_those_of_pytorch(
    product: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...]
) -> None:
    def run() -> list[Tensor]:
        inputs = [_some(*shape).bfloat16().requires_grad_() for shape in shapes]
        found = product(*inputs)
        return [found, *torch.autograd.grad(found.float().square().sum(), inputs)]

    theirs = run()
    with RoundedProducts():
        ours = run()
    for mine, reference in zip(ours, theirs, strict=True):
        assert mine.dtype is reference.dtype is torch.bfloat16
        scale = reference.float().abs().max().item()
        torch.testing.assert_close(mine.float(), reference.float(), rtol=2 * ULP, atol=2 * ULP * scale)


def test_the_sum_is_rounded_once_and_not_at_every_term() -> None:
    """256 + 1 + 1 is 258, and 256 where every partial sum is rounded to eight bits."""
    row, ones = torch.tensor([[256.0, 1.0, 1.0]]).bfloat16(), torch.ones(3, 1).bfloat16()
    with RoundedProducts():
        assert (row @ ones).item() == 258


def test_float32_products_are_left_alone() -> None:
    left, right = _some(5, 9), _some(9, 4)
    expected = left @ right
    with RoundedProducts():
        assert torch.equal(left @ right, expected)


def test_a_step_of_a_model_under_autocast_and_its_flops() -> None:
    def step() -> tuple[list[Tensor], int]:
        model = bert()
        with FlopCounterMode(display=False) as flops, torch.autocast("cpu", torch.bfloat16):
            loss = model(**batch()).loss
            loss.backward()
        gradients = [one.grad for one in model.parameters() if one.grad is not None]
        return [loss.detach(), *gradients], flops.get_total_flops()

    theirs, expected = step()
    with RoundedProducts():
        ours, counted = step()
    assert counted == expected
    for mine, reference in zip(ours, theirs, strict=True):
        difference = (mine - reference).norm()
        assert difference <= 0.02 * reference.norm() + 1e-4


@pytest.mark.parametrize(
    ("bf16", "gpu", "instructions", "rounded"),
    [(True, False, False, True), (False, False, False, False), (True, True, False, False), (True, False, True, False)],
)
def test_only_a_bf16_run_on_a_processor_without_the_instructions_goes_through_it(
    monkeypatch: pytest.MonkeyPatch, bf16: bool, gpu: bool, instructions: bool, rounded: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    assert isinstance(bf16_products(bf16), RoundedProducts) == rounded
