"""The fields of TRL's fused language-model head, computed from logits.

TRL's trainers call `model(..., labels=labels, fused_lm_head=True)` and read the fields of `trl.add_fused_lm_head`,
which computes the losses of tokens without their logits. The divergence of a method needs logits, so here the model
computes them, and the fields are computed from the logits.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.utils.generic import ModelOutput

from uegr.data.kind import IGNORED_LABEL

SWITCH = "fused_lm_head"


def fused_fields(output: Any, labels: Tensor) -> ModelOutput:
    """What TRL's fused head returns for these labels (B, T), from the logits (B, T, V) of the model's own head.

    Fields per token have shape (B, T - 1) and are 0 where the label is -100.
    """
    logits = output.logits[:, -labels.shape[1] :][:, :-1].float()  # prompt tuning puts positions before the tokens
    targets = labels[:, 1:]
    is_target = targets != IGNORED_LABEL
    log_probabilities = logits.log_softmax(dim=-1)
    log_probs = log_probabilities.gather(-1, targets.clamp_min(0).unsqueeze(-1)).squeeze(-1) * is_target
    with torch.no_grad():
        squares = torch.logsumexp(2.0 * log_probabilities, dim=-1) * is_target
        is_top1 = (logits.argmax(dim=-1) == targets) & is_target
        mean_logits = logits.mean(dim=-1) * is_target
    return ModelOutput(
        loss=-log_probs.sum() / is_target.sum().clamp_min(1),
        logits=output.logits,
        log_probs=log_probs,
        entropy=-(log_probabilities.exp() * log_probabilities).sum(dim=-1) * is_target,
        log_sum_sq_probs=squares,
        mean_logits=mean_logits,
        is_top1=is_top1,
        label_mask=is_target,
        aux_loss=getattr(output, "aux_loss", None),
    )
