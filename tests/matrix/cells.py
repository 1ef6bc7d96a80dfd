"""One cell of the matrix: train a method on one architecture, kind of task and setting, and check the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch import Tensor, nn
from transformers import PreTrainedModel
from zoo import SCRATCH, applies, make_batch, make_model

from support.small_models import recompute_activations
from uegr import UsageError
from uegr.methods.method import Method
from uegr.methods.method_lookup import METHODS, PAIR, make_config

STEPS = 4
WORKS, ERROR, NOT_APPLICABLE = "works", "clear error", "not applicable"


@dataclass(frozen=True)
class Cell:
    """The result of a cell: works, clear error or not applicable, and the reason for the last two."""

    status: str
    reason: str = ""


def stage_pairs() -> list[str]:
    """Every registered forward stage with every registered backward stage, once each."""
    forwards = {config_class.forward: name for name, config_class in METHODS.items()}
    backwards = {config_class.backward: name for name, config_class in METHODS.items()}
    return [f"{forward}{PAIR}{backward}" for forward in forwards.values() for backward in backwards.values()]


SETTINGS = [
    "float32",
    "bf16",
    "fp16 + GradScaler",
    "checkpointing",
    "accumulation",
    "clipping",
    "LoRA",
    "torch.compile",
]


def run_cell(
    name: str, architecture: str, kind: str = "single", setting: str = "float32", *, steps: int = STEPS
) -> Cell:
    """Train some steps; works if the loss is finite, weights move, and the model comes back untouched."""
    reason = applies(architecture, kind) or _setting_applies(architecture, setting)
    if reason:
        return Cell(NOT_APPLICABLE, reason)
    method = make_config(name).create()
    model, batch = make_model(architecture, kind), make_batch(architecture, kind)
    try:
        trained = _prepare(model, setting)
        before, rates = {k: v.clone() for k, v in model.state_dict().items()}, _rates(model)
        hooks = _hooks(model)
        divergence = _train(method, trained, batch, setting, steps)
    except UsageError as error:
        return Cell(ERROR, str(error))
    after = model.state_dict()
    assert list(before) == list(after), "the state dict changed its keys"
    assert all(torch.isfinite(value).all() for value in after.values() if value.is_floating_point())
    assert any(not torch.equal(before[key], after[key]) for key in before), "no weight moved"
    assert _rates(model) == rates, "dropout rates were not put back"
    assert _hooks(model) == hooks, "a hook was left behind"
    assert divergence is None or divergence > 0, "the sub-models are equal"
    return Cell(WORKS)


def _setting_applies(architecture: str, setting: str) -> str:
    if setting == "checkpointing" and (architecture in SCRATCH or not _supports_checkpointing(architecture)):
        return "the model has no gradient checkpointing"
    if setting == "LoRA" and architecture in ("textcnn", "bilstm", "transformer"):
        return "trained from scratch, not adapted"
    return ""


def _supports_checkpointing(architecture: str) -> bool:
    return bool(make_model(architecture, "single").supports_gradient_checkpointing)


def _prepare(model: PreTrainedModel, setting: str) -> nn.Module:
    model.train()
    if setting == "checkpointing":
        recompute_activations(model)
    if setting == "LoRA":
        names = {n.rsplit(".", 1)[-1] for n, m in model.base_model.named_modules() if isinstance(m, nn.Linear)}
        return get_peft_model(model, LoraConfig(task_type=TaskType.SEQ_CLS, r=2, target_modules=sorted(names) or None))
    if setting == "torch.compile":
        torch._dynamo.reset()
        compiled: nn.Module = torch.compile(model, backend="eager")
        return compiled
    return model


def _train(method: Method, model: nn.Module, batch: dict[str, Tensor], setting: str, steps: int) -> Tensor | None:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    method.attach(model=model, optimizer=torch.optim.AdamW(parameters, lr=5e-3), train_loader=[batch])
    optimizer = method.optimizer
    scaler = torch.amp.GradScaler("cpu", enabled=setting == "fp16 + GradScaler")
    dtype = {"bf16": torch.bfloat16, "fp16 + GradScaler": torch.float16}.get(setting)
    for _ in range(steps):
        for part, num_items in _parts(batch, setting):
            with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
                loss = method.loss(part, num_items=num_items)
            assert torch.isfinite(loss), "the loss is not finite"
            scaler.scale(loss).backward()
        if setting == "clipping":
            nn.utils.clip_grad_norm_(parameters, 0.1)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    return method.terms.get("divergence")


def _parts(batch: dict[str, Tensor], setting: str) -> Iterator[tuple[dict[str, Tensor], int | None]]:
    if setting != "accumulation":
        yield batch, None
        return
    count = len(batch["labels"])
    for half in (slice(0, count // 3), slice(count // 3, count)):
        yield {key: value[half] for key, value in batch.items()}, count


def _rates(model: nn.Module) -> list[float]:
    return [module.p for module in model.modules() if isinstance(module, nn.Dropout)]


def _hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())
