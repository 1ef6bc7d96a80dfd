"""The loss of a trainer that computes it itself, as those of TRL and sentence-transformers do: its value and logits."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Trainer

from uegr.training.fused_head import SWITCH, fused_fields

MEASUREMENTS = ("_metrics", "_total_train_tokens", "accum_loss_components")
"""Where the trainers of TRL and of sentence-transformers keep what they measure while they compute a loss."""


def has_own_loss(trainer: type, mixin: type) -> bool:
    """Whether a trainer's class computes its loss in another way than `Trainer`.

    Args:
        trainer: the trainer's class.
        mixin: a base class; its `compute_loss` and that of classes before it do not count.
    """
    after = trainer.__mro__[trainer.__mro__.index(mixin) + 1 :]
    return next((parent for parent in after if "compute_loss" in vars(parent)), Trainer) is not Trainer


@contextmanager
def measurements_kept(trainer: Any) -> Iterator[None]:
    """Restore the trainer's measurements after this context."""
    before = {name: copy.deepcopy(getattr(trainer, name)) for name in MEASUREMENTS if hasattr(trainer, name)}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(trainer, name, value)


@contextmanager
def logits_seen(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the logits of the first call of a model, wrapped or not, if it returns any.

    Calls without gradients, such as those of a reference model, are not touched.
    """
    logits: list[Tensor] = []
    labels: list[Tensor] = []
    calls: list[bool] = []

    def before(_model: nn.Module, arguments: Any, keywords: dict[str, Any]) -> Any:
        if not torch.is_grad_enabled() or not keywords.get(SWITCH) or keywords.get("labels") is None:
            return None
        labels.append(keywords["labels"])
        return arguments, {name: value for name, value in keywords.items() if name not in (SWITCH, "labels")}

    def after(_model: nn.Module, _arguments: Any, _keywords: Any, output: Any) -> Any:
        if not torch.is_grad_enabled():
            return None
        if labels:
            output = fused_fields(output, labels.pop())
        if not calls:
            logits.extend(_logits_of(output))
        calls.append(True)
        return output

    handles = [
        model.register_forward_pre_hook(before, with_kwargs=True),
        model.register_forward_hook(after, with_kwargs=True),
    ]
    try:
        yield logits
    finally:
        for handle in handles:
            handle.remove()


def _logits_of(output: Any) -> list[Tensor]:
    """Logits, start and end of an answer as two targets, or scores of pairs; none for a model of embeddings."""
    values = output if isinstance(output, Mapping) else vars(output) if hasattr(output, "__dict__") else {}
    if isinstance(values.get("logits"), Tensor):
        return [values["logits"]]
    if isinstance(values.get("start_logits"), Tensor):
        return [torch.stack([values["start_logits"], values["end_logits"]], dim=1)]
    if isinstance(values.get("scores"), Tensor):  # sentence-transformers' cross-encoders
        scores: Tensor = values["scores"]
        return [scores if scores.dim() > 1 else scores.unsqueeze(-1)]
    return []
