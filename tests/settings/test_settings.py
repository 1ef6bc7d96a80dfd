"""Each training setting against the plain single-process float32 run of the same method."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from peft import LoraConfig, TaskType, get_peft_model
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter

from support.small_models import batch, bert, hook_count, weights_of
from uegr import UEGRConfig
from uegr.forward import pass_runner
from uegr.methods.method import Method
from uegr.modeling.shared_embeddings import SharedEmbeddings

NO_DROPOUT = {"dropout": (0.0, 0.0)}  # what is left must agree to rounding


def attached(model: nn.Module, *, fused: bool | None = None, **options: Any) -> Method:
    """UEGR around AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=fused)
    return UEGRConfig(**options).attach(model=model, optimizer=optimizer)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    """The gradient of every parameter that has one."""
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_accumulated_parts_equal_the_large_batch() -> None:
    """Parts of unequal size, divided by the number of targets of all: adversarial, JS and clean terms alike."""
    whole, results = batch(9), []
    for parts in ([slice(0, 9)], [slice(0, 2), slice(2, 9)]):
        model = bert(dropout=0.0).train()
        method = attached(model, **NO_DROPOUT)
        for part in parts:
            method.loss({key: value[part] for key, value in whole.items()}, num_items=9).backward()
        results.append(gradients(model))
    for name, value in results[0].items():
        torch.testing.assert_close(results[1][name], value, atol=1e-5, rtol=1e-3)


def test_padding_and_the_rest_of_the_batch_change_nothing() -> None:
    """An example's terms are those that it has alone and without padding."""
    whole = batch(4)
    method = attached(bert(dropout=0.0).train(), **NO_DROPOUT)
    together = method.loss(whole)
    alone = []
    for i in range(4):
        length, row = int(whole["attention_mask"][i].sum()), slice(i, i + 1)
        example = {key: value[row, :length] if value.dim() == 2 else value[row] for key, value in whole.items()}
        alone.append(method.loss(example))
    torch.testing.assert_close(torch.stack(alone).mean(), together, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.12), (torch.float16, 0.02)])
def test_low_precision_is_near_float32(dtype: torch.dtype, tolerance: float) -> None:
    flat = []
    for enabled in (False, True):
        model = bert(dropout=0.0).train()
        method = attached(model, **NO_DROPOUT)
        scaler = torch.amp.GradScaler("cpu", enabled=enabled and dtype == torch.float16, init_scale=1024.0)
        with torch.autocast("cpu", dtype, enabled=enabled):
            loss = method.loss(batch(8))
        assert loss.dtype == torch.float32
        scaler.scale(loss).backward()
        scaler.unscale_(method.optimizer)
        flat.append(torch.cat([gradient.flatten() for gradient in gradients(model).values()]))
    assert float((flat[1] - flat[0]).norm() / flat[0].norm()) < tolerance


def test_saliency_is_read_from_unscaled_gradients() -> None:
    """GradScaler must not hand its scaled gradients to the backward stage, even over a fused optimizer."""
    means = []
    for scale in (1.0, 2.0**12):
        model = bert(dropout=0.0).train()
        method = attached(model, fused=True, mask_mode="frozen", **NO_DROPOUT)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        scaler.scale(method.loss(batch())).backward()
        scaler.step(method.optimizer)
        scaler.update()
        means.append(method.backward.scores.means)  # type: ignore[attr-defined]
    assert means[0], "the score of our own is what is compared"
    for i, mean in means[0].items():
        torch.testing.assert_close(means[1][i], mean, atol=1e-9, rtol=1e-3)


def test_a_step_that_overflowed_is_skipped_whole() -> None:
    model = bert().train()
    method = attached(model)
    before = weights_of(model)
    scaler = torch.amp.GradScaler("cpu")
    (scaler.scale(method.loss(batch())) * float("inf")).backward()
    scaler.step(method.optimizer)
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert method.state_dict()["steps"] == 0


@pytest.mark.parametrize("options", [{}, {"passes": 3, "dropout": (0.0, 0.4)}])
def test_a_compiled_model_gives_the_same_and_later_steps_compile_nothing(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Compiled passes are separate and share no embeddings; the eager ones must add up in the same order to agree.
    monkeypatch.setattr(SharedEmbeddings, "of", lambda self, ids, output: output)
    monkeypatch.setattr(pass_runner, "is_faster_joined", lambda batch: False)
    weights, graphs = [], []
    for compiled in (False, True):
        torch._dynamo.reset()
        counter = CompileCounter()
        model = bert(dropout=0.1).train()
        method = attached(model, **options)
        trained = torch.compile(model, backend=counter) if compiled else model
        for i in range(4):
            method.loss(batch(seed=i), model=trained).backward()
            method.optimizer.step()
            method.optimizer.zero_grad()
            graphs.append(counter.frame_count)
        assert hook_count(model) == 0
        weights.append(weights_of(model))
    assert graphs[4] == graphs[7] <= 2 + options.get("passes", 2)
    for eager, compiled_weight in zip(*weights, strict=True):
        torch.testing.assert_close(compiled_weight, eager, atol=1e-6, rtol=1e-5)


def test_lora_trains_the_adapters_alone_and_selects_among_them() -> None:
    adapters = LoraConfig(task_type=TaskType.SEQ_CLS, r=4, target_modules=["query", "value"])
    model = get_peft_model(bert().train(), adapters)
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    config = UEGRConfig(mask_mode="frozen", probability="top_share", share=0.25, refresh=1)
    method = config.attach(model=model, optimizer=optimizer)
    for i in range(3):  # the first step updates everything
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        method.loss(batch(seed=i)).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
        moved = {name: float((p != before[name]).float().mean()) for name, p in model.named_parameters()}
        assert all(share == 0 for name, share in moved.items() if name not in trainable)
    assert all(share > 0.9 for name, share in moved.items() if "modules_to_save" in name and "weight" in name)
    of_adapters = [share for name, share in moved.items() if "lora_" in name]
    assert 0 < sum(of_adapters) / len(of_adapters) < 0.4


def test_accelerate_wraps_the_wrapper_and_changes_nothing() -> None:
    AcceleratorState._reset_state(reset_partial_state=True)  # a bf16 training before, in this process, would stay in it
    weights = []
    for prepared in (False, True):
        model = bert().train()
        method = attached(model)
        trained: nn.Module = model
        optimizer: Any = method.optimizer
        scheduler: Any = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 / (1 + step))
        backward = torch.Tensor.backward
        if prepared:
            accelerator = Accelerator(cpu=True, mixed_precision="no")
            trained, optimizer, scheduler = accelerator.prepare(model, optimizer, scheduler)
            backward = accelerator.backward
        for i in range(3):
            backward(method.loss(batch(seed=i), model=trained))
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 / 4)
        weights.append(weights_of(model))
    assert all(torch.equal(plain, wrapped) for plain, wrapped in zip(*weights, strict=True))
