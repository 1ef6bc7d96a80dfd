"""What the formulas of the papers are written with: a model without dropout, a batch, and the terms of a loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from support.small_models import batch, bert
from support.stages import step
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.plain import PlainForward
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.real_tokens import token_mask

MODEL, DATA = bert(dropout=0.0), batch()
MASK, SHAPE = token_mask(DATA), (4, 7, 16)


def first_draws(seed: int = 0, *, passes: int = 0) -> torch.Generator:
    """The generator that a stage draws its noise from, after this number of passes have drawn their seeds."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(passes):
        torch.randint(2**63 - 1, (), generator=generator)
    return generator


def logits_at(delta: Tensor) -> Tensor:
    """The logits of the batch with `delta` on its embeddings."""
    with perturbed(MODEL, DATA, delta):
        logits: Tensor = MODEL(input_ids=DATA["input_ids"], attention_mask=DATA["attention_mask"]).logits
    return logits


def cross_entropy(logits: Tensor) -> Tensor:
    """Mean cross-entropy of the batch."""
    return F.cross_entropy(logits, DATA["labels"])


def gradient_at(delta: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """Gradient of a loss by the embeddings, 0 on padding."""
    leaf = delta.clone().requires_grad_()
    return torch.autograd.grad(loss(logits_at(leaf)), leaf)[0] * MASK


def unit_per_coordinate() -> float:
    """The unit of a relative max-norm radius on the model: mean embedding norm / sqrt(d)."""
    scale = embedding_scale(MODEL)
    return scale.norm / scale.width**0.5


def mean_symmetric_kl(first: Tensor, second: Tensor) -> Tensor:
    """Mean of KL(P | Q) + KL(Q | P) over the batch."""
    p, q = first.softmax(-1), second.softmax(-1)
    return ((p - q) * (p.log() - q.log())).sum(-1).mean()


def l2(delta: Tensor) -> Tensor:
    """The l2 norm of each example's delta, (B, 1, 1)."""
    return delta.flatten(1).norm(dim=1)[:, None, None]


def per_token_max(delta: Tensor) -> Tensor:
    """The max norm of each token's vector, (B, T, 1)."""
    return delta.abs().amax(-1, keepdim=True).clamp_min(1e-12)


def assert_equals_formula(stage: ForwardStage, expected: Tensor) -> None:
    """Loss and gradients of a stage are those of the formula, times the factor of an accumulating loop or a scaler."""
    loss = stage(MODEL, DATA, step()).value
    torch.testing.assert_close(loss, expected)
    weights = [MODEL.classifier.weight, MODEL.bert.encoder.layer[0].attention.self.query.weight]
    expected_gradients = torch.autograd.grad(expected, weights)
    MODEL.zero_grad()
    (2.0 * loss).backward()
    for weight, gradient in zip(weights, expected_gradients, strict=True):
        torch.testing.assert_close(weight.grad, 2.0 * gradient, atol=2e-6, rtol=1e-3)


def assert_is_plain(stage: ForwardStage) -> None:
    """The loss of a stage is that of plain fine-tuning."""
    plain = PlainForward()(MODEL, DATA, step()).value
    torch.testing.assert_close(stage(MODEL, DATA, step()).value, plain, atol=1e-5, rtol=1e-5)
