"""What a model is trained for: the error of one target and the divergence of several predictions of it.

Every term is computed in float32, in nats where it is an entropy, one value a *target* (an example, or a
token where tokens are labelled), so that sums and means never depend on batch size or padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uegr.modeling.divergence import (
    binary_jensen_shannon_per_pass,
    jensen_shannon_per_pass,
    symmetric_kl,
    variance_per_pass,
    binary_log_probabilities,
)
from uegr.modeling.embeddings import unwrap

IGNORED_LABEL = -100
"""Hugging Face's label of positions that are no target."""

Kind = Literal["classification", "regression", "multi_label"]


@dataclass(frozen=True)
class Objective:
    """Loss and divergence over the targets of one batch.

    Args:
        kind: classification (cross-entropy, Jensen-Shannon), regression (squared error, variance) or
            multi_label (binary cross-entropy and binary Jensen-Shannon, mean over labels).
        labels: shape (N,) for classification, (N, C) otherwise; -100 marks a class label that is no target.
        weights: shape (C,), or None. The cross-entropy of an example counts so much times as its class says; for
            multi_label, that of each label where it is present. Divergences are not weighted.
    """

    kind: Kind
    labels: Tensor
    weights: Tensor | None = None

    @property
    def real(self) -> Tensor:
        """Which of the N positions are targets, shape (N,), bool."""
        if self.kind == "classification":
            return self.labels != IGNORED_LABEL
        return torch.ones(self.labels.shape[0], dtype=torch.bool, device=self.labels.device)

    def mean(self, values: Tensor, num_items: Tensor | int | None = None) -> Tensor:
        """Mean of one value a position over the real targets, or their sum divided by `num_items`."""
        count = self.real.sum() if num_items is None else num_items
        return (values * self.real).sum() / count

    def scores(self, logits: Tensor) -> Tensor:
        """The logits in float32, one row a position, shape (N, C)."""
        return logits.reshape(-1, logits.shape[-1]).float()

    def loss(self, logits: Tensor) -> Tensor:
        """Error of each position, shape (N,); 0 where there is no target."""
        scores = self.scores(logits)
        if self.kind == "classification":
            return F.cross_entropy(
                scores, self.labels, weight=self.weights, reduction="none", ignore_index=IGNORED_LABEL
            )
        labels = self.labels.float()
        if self.kind == "regression":
            return (scores - labels).square().mean(dim=-1)
        return F.binary_cross_entropy_with_logits(scores, labels, pos_weight=self.weights, reduction="none").mean(
            dim=-1
        )

    def tally(self, classes: int) -> Tensor:
        """Number of targets and, of each label, how many of them have it, shape (1 + C,); for regression the sums of
        the labels and of their squares, shape (3,)."""
        real = self.real.float()
        if self.kind == "classification":
            counts = real.new_zeros(classes).index_add(0, self.labels.clamp_min(0), real)
        elif self.kind == "regression":
            labels = self.labels.float()
            counts = torch.stack([labels.sum(), labels.square().sum()])
        else:
            counts = self.labels.float().sum(dim=0)
        return torch.cat([real.sum()[None], counts])

    def confidence(self, logits: Tensor, shares: Tensor | None = None) -> Tensor:
        """How sure of its target each position is, shape (N,), in [0, 1]: 0 at chance or below it, 1 for certain.
        A number does not say how sure it is: for regression, how near it comes, as exp(-(output - label)^2 / 2 var).

        Args:
            logits: of the N positions.
            shares: the tally's means. How often each label comes, shape (C,): chance is one in C, or the label's share
                where that is more, for who answers with the most frequent label, whatever the input, is sure of
                nothing. For regression the mean of the labels, which is chance's answer, and of their squares, shape
                (2,); before they are known nothing is learned.
        """
        scores = self.scores(logits)
        if self.kind == "regression":
            if shares is None:
                return torch.zeros_like(scores[:, 0])
            mean, labels = shares[0], self.labels.float()
            scale = 2.0 * (shares[1] - mean.square()).clamp_min(torch.finfo(mean.dtype).eps)
            errors, chance = self.loss(logits) / scale, torch.exp(-(labels - mean).square().mean(dim=-1) / scale)
        elif self.kind == "classification":
            errors = F.cross_entropy(scores, self.labels, reduction="none", ignore_index=IGNORED_LABEL)
            chance = torch.full_like(errors, 1.0 / scores.shape[-1])
            if shares is not None:
                chance = torch.maximum(chance, shares[self.labels.clamp_min(0)])
        else:
            present = self.labels.float()
            errors = F.binary_cross_entropy_with_logits(scores, present, reduction="none").mean(dim=-1)
            chance = torch.full_like(errors, 0.5)
            if shares is not None:  # of all labels of an example together, as its probability is: a geometric mean
                each = (present * shares + (1.0 - present) * (1.0 - shares)).clamp_min(0.5)
                chance = each.log().mean(dim=-1).exp()
        rest = (1.0 - chance).clamp_min(torch.finfo(chance.dtype).tiny)
        return ((torch.exp(-errors) - chance) / rest).clamp(0.0, 1.0)

    def divergence(self, logits: Sequence[Tensor]) -> Tensor:
        """How far k predictions of the same targets lie apart, shape (N,); 0 where they agree."""
        return self.divergence_of_each(logits).mean(dim=0)

    def divergence_of_each(self, logits: Sequence[Tensor]) -> Tensor:
        """How far each of k predictions of the same targets lies from what they say together, shape (k, N);
        the divergence is the mean over k."""
        scores = torch.stack([self.scores(one) for one in logits])
        if self.kind == "classification":
            return jensen_shannon_per_pass(scores.log_softmax(dim=-1))
        if self.kind == "regression":
            return variance_per_pass(scores)
        return binary_jensen_shannon_per_pass(scores)

    def symmetric_kl(self, first: Tensor, second: Tensor) -> Tensor:
        """KL(P | Q) + KL(Q | P) of two predictions of the same targets, shape (N,); for regression their squared
        difference, for multi-label outputs the mean over labels."""
        p, q = self.scores(first), self.scores(second)
        if self.kind == "classification":
            return symmetric_kl(p.log_softmax(dim=-1), q.log_softmax(dim=-1))
        if self.kind == "regression":
            return (p - q).square().mean(dim=-1)
        return symmetric_kl(binary_log_probabilities(p), binary_log_probabilities(q)).mean(dim=-1)


def objective_for(model: nn.Module, logits: Tensor, labels: Tensor) -> Objective:
    """Read off the kind of task from the shapes and types, by Hugging Face's conventions.

    One output is regression; float labels of the logits' shape are multi-label; whole-number labels are
    classes, one an example (B,) or one a token (B, T), where -100 marks what is no target. A causal language
    model's output at one token is held against the label of the next. A list `class_weights` in the model's
    configuration weighs the classes, in every stage alike, for this is where all of them come by their errors.
    """
    if logits.shape[-1] == 1:
        return Objective("regression", labels.reshape(-1, 1))
    inner = unwrap(model)
    weights = getattr(getattr(inner, "config", None), "class_weights", None)
    if weights is not None:
        weights = torch.tensor(weights, dtype=torch.float32, device=logits.device)
    if labels.is_floating_point():
        return Objective("multi_label", labels.reshape(-1, labels.shape[-1]), weights)
    if labels.dim() == 2 and _predicts_the_next_token(inner):
        labels = F.pad(labels[:, 1:], (0, 1), value=IGNORED_LABEL)
    return Objective("classification", labels.reshape(-1), weights)


def _predicts_the_next_token(model: nn.Module) -> bool:
    """Whether the labels of a language model are its inputs, shifted by us as Hugging Face shifts them.

    A class named ...ForCausalLM says so; older ones (GPT2LMHeadModel) name no loss at all, yet have a language
    model's head on a decoder.
    """
    named = getattr(model, "loss_type", None)
    config = getattr(model, "config", None)
    if named is not None or config is None:
        return named == "ForCausalLM"
    head = getattr(model, "get_output_embeddings", lambda: None)()
    return head is not None and not getattr(config, "is_encoder_decoder", False)
