"""How far fine-tuning has taken a model from the pretrained one, layer by layer: what it computes, and its weights."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.modeling.embeddings import input_embeddings, token_mask, unwrap
from uegr.modeling.model_parts import head_parameters, layer_of

EMBEDDINGS = "embeddings"


def similarity(subject: EvaluatedModel, pretrained: nn.Module, rows: Dataset) -> dict[str, Any]:
    """The "similarity" part of results.json but for the reference's name.

    Args:
        subject: the fine-tuned model.
        pretrained: the model it was before, with the same layers.
        rows: texts whose tokens are compared.
    """
    pretrained.eval()
    moments: list[Moments] = []
    tokens = 0
    for _, batch in subject.batches(rows):
        real = token_mask(batch).squeeze(-1).bool()
        tokens += int(real.sum())
        pairs = zip(_hidden(subject.model, batch), _hidden(pretrained, batch), strict=True)
        for i, (now, then) in enumerate(pairs):
            if i == len(moments):
                moments.append(Moments(now.shape[-1]))
            moments[i].add(now[real].double(), then[real].double())
    layers = [EMBEDDINGS, *(f"layer {i}" for i in range(1, len(moments)))]
    drift = weight_drift(subject.model, pretrained)
    return {
        "examples": len(rows),
        "tokens": tokens,
        "layers": layers,
        "cka": [one.cka() for one in moments],
        "cosine": [one.cosine() for one in moments],
        "drift": [drift.get(name) for name in layers],
        "drift_total": drift["total"],
    }


class Moments:
    """Sums over tokens of two representations X and Y of width d, all that CKA and the mean cosine need."""

    def __init__(self, width: int) -> None:
        self.count, self.cosines = 0, 0.0
        self.means = torch.zeros(2, width, dtype=torch.float64)
        self.products = torch.zeros(3, width, width, dtype=torch.float64)

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in the representations of some tokens, (n, d) each."""
        x, y = x.cpu(), y.cpu()
        self.count += len(x)
        self.cosines += float(F.cosine_similarity(x, y, dim=1).sum())
        self.means += torch.stack([x.sum(dim=0), y.sum(dim=0)])
        self.products += torch.stack([x.T @ x, x.T @ y, y.T @ y])

    def cosine(self) -> float:
        """Mean cosine of a token's two representations."""
        return self.cosines / self.count

    def cka(self) -> float:
        """Linear CKA |X'Y|^2 / (|X'X| |Y'Y|) of the centred representations (Kornblith et al. 2019), in [0, 1]."""
        mean = self.means / self.count
        pairs = ((0, 0), (0, 1), (1, 1))
        norms = [
            float((product - self.count * torch.outer(mean[i], mean[j])).norm())
            for product, (i, j) in zip(self.products, pairs, strict=True)
        ]
        return norms[1] ** 2 / (norms[0] * norms[2])


def weight_drift(model: nn.Module, pretrained: nn.Module) -> dict[str, float]:
    """|now - then| / |then| over the weights of each layer ("embeddings", "layer 1", ...) and over the whole body
    ("total"). The head is left out: it was created for the task."""
    table = next(name for name, one in unwrap(model).named_parameters() if one is input_embeddings(model).weight)
    head = {id(one) for one in head_parameters(model)}
    before = dict(unwrap(pretrained).named_parameters())
    sums: dict[str, Tensor] = {}
    for name, weight in unwrap(model).named_parameters():
        if id(weight) in head or name not in before or before[name].shape != weight.shape:
            continue
        then, now = before[name].detach().double().cpu(), weight.detach().double().cpu()
        squares = torch.stack([(now - then).square().sum(), then.square().sum()])
        for group in {_group(name, table), "total"}:
            sums[group] = sums.get(group, torch.zeros(2, dtype=torch.float64)) + squares
    return {group: float((moved / size).sqrt()) for group, (moved, size) in sums.items()}


def _group(name: str, table: str) -> str:
    """The layer of a parameter, counted from 1, "embeddings" for what lies beside the embedding table."""
    layer = layer_of(name)
    number = layer.rpartition(".")[2]
    if number.isdigit():
        return f"layer {int(number) + 1}"
    return EMBEDDINGS if layer == layer_of(table) else layer


@torch.no_grad()
def _hidden(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """Outputs of the embeddings and of every layer, (B, T, d) each."""
    inputs = {key: value for key, value in batch.items() if key != "labels"}
    states = getattr(model(**inputs, output_hidden_states=True), "hidden_states", None)
    if states is None:
        raise UsageError(f"{type(model).__name__} does not return its hidden states: leave out --parts similarity.")
    return tuple(state.float() for state in states)
