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

from conftest import batch, bert
from uegr import UEGR
from uegr.forward.compiled import TensorSites
from uegr.methods.method import Method
from uegr.modeling.embeddings import SharedEmbeddings

QUIET = {"dropout": (0.0, 0.0)}  # no dropout: what is left must agree to rounding


def begin(model: nn.Module, **options: Any) -> tuple[Method, Any]:
    method = UEGR(total_steps=4, **options)
    return method, method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=0.01), model)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def past_ramp(method: Method) -> None:
    method.load_state_dict({**method.state_dict(), "steps": 4})


def test_accumulated_parts_equal_the_large_batch() -> None:
    """Parts of unequal size, divided by the targets of all: adversarial, JS and clean terms alike."""
    whole = batch(9)
    results = []
    for parts in ([slice(0, 9)], [slice(0, 2), slice(2, 9)]):
        model = bert(dropout=0.0).train()
        method, _ = begin(model, **QUIET)
        past_ramp(method)
        for part in parts:
            method.loss(model, {key: value[part] for key, value in whole.items()}, num_items=9).backward()
        results.append(gradients(model))
    for name, value in results[0].items():
        torch.testing.assert_close(results[1][name], value, atol=1e-5, rtol=1e-3)


def test_padding_and_company_change_nothing() -> None:
    """An example's terms are those it has alone and unpadded."""
    whole = batch(4)
    model = bert(dropout=0.0).train()
    method, _ = begin(model, **QUIET)
    past_ramp(method)
    together = method.loss(model, whole)
    alone = []
    for i in range(4):
        length = int(whole["attention_mask"][i].sum())
        one = {key: value[i : i + 1, :length] if value.dim() == 2 else value[i : i + 1] for key, value in whole.items()}
        alone.append(method.loss(model, one))
    torch.testing.assert_close(torch.stack(alone).mean(), together, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.12), (torch.float16, 0.02)])
def test_low_precision_is_near_float32(dtype: torch.dtype, tolerance: float) -> None:
    found = []
    for enabled in (False, True):
        model = bert(dropout=0.0).train()
        method, optimizer = begin(model, **QUIET)
        past_ramp(method)
        scaler = torch.amp.GradScaler("cpu", enabled=enabled and dtype == torch.float16, init_scale=1024.0)
        with torch.autocast("cpu", dtype, enabled=enabled):
            loss = method.loss(model, batch(8))
        assert loss.dtype == torch.float32
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        found.append(torch.cat([one.flatten() for one in gradients(model).values()]))
    assert float((found[1] - found[0]).norm() / found[0].norm()) < tolerance


def test_saliency_is_read_from_unscaled_gradients() -> None:
    """GradScaler must not hand its scaled gradients to the backward stage, even over a fused optimizer."""
    means = []
    for scale in (1.0, 2.0**12):
        model = bert(dropout=0.0).train()
        method = UEGR(total_steps=4, **QUIET)
        optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=0.01, fused=True), model)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        scaler.scale(method.loss(model, batch())).backward()
        scaler.step(optimizer)
        scaler.update()
        means.append(method.state_dict()["backward"]["scores"]["means"])
    for i, mean in means[0].items():
        torch.testing.assert_close(means[1][i], mean, atol=1e-9, rtol=1e-3)


def test_a_step_that_overflowed_is_skipped_whole() -> None:
    model = bert().train()
    method, optimizer = begin(model)
    before = [one.detach().clone() for one in model.parameters()]
    scaler = torch.amp.GradScaler("cpu")
    (scaler.scale(method.loss(model, batch())) * float("inf")).backward()
    scaler.step(optimizer)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert method.state_dict()["steps"] == 0


def test_compiled_model_gives_the_same_and_compiles_once_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    # Compiled passes are separate and share no embeddings; the eager ones must add up in the same order to agree.
    monkeypatch.setattr(SharedEmbeddings, "of", lambda self, ids, output: output)
    found, graphs = [], []
    for compiled in (False, True):
        torch._dynamo.reset()
        counter = CompileCounter()
        model = bert(dropout=0.1).train()
        method, optimizer = begin(model, batching="separate")
        run = torch.compile(model, backend=counter) if compiled else model
        for i in range(4):
            loss = method.loss(run, batch(seed=i))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            graphs.append(counter.frame_count)
        found.append([p.detach() for p in model.parameters()])
    assert graphs[4] == graphs[7] <= 4, "later steps must compile nothing"
    for eager, same in zip(*found, strict=True):
        torch.testing.assert_close(same, eager, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("mode", ["step", "layer", "feedback"])
def test_rates_that_change_every_step_compile_nothing_new(mode: Any) -> None:
    torch._dynamo.reset()
    counter = CompileCounter()
    model = bert(dropout=0.1).train()
    method, optimizer = begin(model, dropout_mode=mode)
    run = torch.compile(model, backend=counter)
    graphs = []
    for i in range(4):
        method.loss(run, batch(seed=i)).backward()
        assert method.terms["divergence"] > 0
        optimizer.step()
        optimizer.zero_grad()
        graphs.append(counter.frame_count)
    assert graphs[0] == graphs[-1] <= 3
    assert not any(module._forward_hooks for module in model.modules())


def test_tensor_rates_drop_that_share_and_keep_the_mean() -> None:
    layer = nn.Sequential(nn.Dropout(0.1))
    with TensorSites(layer).at(0.4):
        out = layer(torch.ones(100_000))
        assert torch.equal(layer.eval()(torch.ones(5)), torch.ones(5))
    assert float((out == 0).float().mean()) == pytest.approx(0.4, abs=0.01)
    assert float(out.mean()) == pytest.approx(1.0, abs=0.02)
    assert layer[0].p == 0.1


def test_lora_trains_the_adapters_alone_and_selects_among_them() -> None:
    model = get_peft_model(
        bert().train(), LoraConfig(task_type=TaskType.SEQ_CLS, r=4, target_modules=["query", "value"])
    )
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainable = [p for p in model.parameters() if p.requires_grad]
    selection: dict[str, Any] = {"probability": "top_share", "draw": "hard", "share": 0.25, "refresh": 1, "lag": False}
    method = UEGR(total_steps=4, meaning="frozen", **selection)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(trainable, lr=0.01), model)
    for i in range(2):
        method.loss(model, batch(seed=i)).backward()
        optimizer.step()
        optimizer.zero_grad()
    moved = {name: float((p != before[name]).float().mean()) for name, p in model.named_parameters()}
    assert all(share == 0 for name, share in moved.items() if not dict(model.named_parameters())[name].requires_grad)
    assert all(share > 0.9 for name, share in moved.items() if "modules_to_save" in name and "weight" in name)
    lora = [share for name, share in moved.items() if "lora_" in name]
    assert 0 < sum(lora) / len(lora) < 0.7


def test_accelerate_wraps_the_wrapper_and_changes_nothing() -> None:
    AcceleratorState._reset_state(reset_partial_state=True)  # a bf16 training before, in this process, would stay in it
    found = []
    for prepared in (False, True):
        model = bert().train()
        method, optimizer = begin(model)
        scheduler: Any = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 / (1 + step))
        backward = torch.Tensor.backward
        if prepared:
            accelerator = Accelerator(cpu=True, mixed_precision="no")
            model, optimizer, scheduler = accelerator.prepare(model, optimizer, scheduler)
            backward = accelerator.backward
        for i in range(3):
            backward(method.loss(model, batch(seed=i)))
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 / 4)
        found.append([p.detach().clone() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
