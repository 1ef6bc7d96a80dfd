"""How much fine-tuning has changed a pretrained model, layer by layer: its representations and its weights."""

from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.model_state import evaluation_mode
from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.model_parts import head_parameters, layer_of
from uegr.modeling.model_wrappers import unwrap
from uegr.modeling.real_tokens import token_mask

EMBEDDINGS = "embeddings"


class HiddenStatesError(UsageError):
    """The hidden states of a model cannot be compared; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: leave out --parts similarity.")
        self.reason = reason


def measure_similarity(evaluated: EvaluatedModel, pretrained: nn.Module, rows: Dataset) -> dict[str, Any]:
    """The "similarity" part of results.json, without the name of the reference.

    Args:
        evaluated: the fine-tuned model.
        pretrained: the model before fine-tuning, with the same layers.
        rows: texts whose tokens are compared.

    Raises:
        HiddenStatesError: the model does not return a state for each token and layer.
    """
    moments: list[Moments] = []
    tokens = 0
    with evaluation_mode(evaluated.model), evaluation_mode(pretrained):
        for _, batch in evaluated.batches(rows):
            is_token = token_mask(batch).squeeze(-1).bool()
            tokens += int(is_token.sum())
            pairs = zip(_hidden(evaluated.model, batch), _hidden(pretrained, batch), strict=True)
            for i, (tuned, original) in enumerate(pairs):
                if i == len(moments):
                    moments.append(Moments(tuned.shape[-1]))
                moments[i].add(tuned[is_token].cpu().double(), original[is_token].cpu().double())
    layers = [EMBEDDINGS, *(f"layer {i}" for i in range(1, len(moments)))]
    drift = weight_drift(evaluated.model, pretrained)
    return {
        "examples": len(rows),
        "tokens": tokens,
        "layers": layers,
        "cka": [layer.cka() for layer in moments],
        "cosine": [layer.cosine() for layer in moments],
        "drift": [drift.get(name) for name in layers],
        "drift_total": drift["total"],
    }


class Moments:
    """Sums over tokens of two representations X and Y of width d, from which CKA and the mean cosine are computed."""

    def __init__(self, width: int) -> None:
        self.count, self.cosines = 0, 0.0
        self.means = torch.zeros(2, width, dtype=torch.float64)
        self.products = torch.zeros(3, width, width, dtype=torch.float64)

    def add(self, x: Tensor, y: Tensor) -> None:
        """Add the representations of n tokens, (n, d) each, on the CPU."""
        self.count += len(x)
        self.cosines += float(F.cosine_similarity(x, y, dim=1).sum())
        self.means += torch.stack([x.sum(dim=0), y.sum(dim=0)])
        self.products += torch.stack([x.T @ x, x.T @ y, y.T @ y])

    def cosine(self) -> float:
        """Mean over tokens of the cosine of the two representations."""
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
    """|tuned - original| / |original| of the weights of each layer ("embeddings", "layer 1", ...).

    "total" is that of the whole body. The head is left out: it was created for the task.
    """
    embeddings = input_embeddings(model).weight
    table = next(name for name, parameter in unwrap(model).named_parameters() if parameter is embeddings)
    head = {id(parameter) for parameter in head_parameters(model)}
    before = dict(unwrap(pretrained).named_parameters())
    sums: dict[str, Tensor] = {}
    for name, weight in unwrap(model).named_parameters():
        if id(weight) in head or name not in before or before[name].shape != weight.shape:
            continue
        original, tuned = before[name].detach().cpu().double(), weight.detach().cpu().double()
        squares = torch.stack([(tuned - original).square().sum(), original.square().sum()])
        for group in {_group(name, table), "total"}:
            sums[group] = sums.get(group, torch.zeros(2, dtype=torch.float64)) + squares
    return {group: float((change / size).sqrt()) for group, (change, size) in sums.items()}


def _group(name: str, table: str) -> str:
    """The layer of a parameter, counted from 1, or "embeddings" for what is in the same module as the table."""
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
        raise HiddenStatesError(f"{type(model).__name__} does not return its hidden states")
    if any(state.shape[:2] != inputs["input_ids"].shape for state in states):
        raise HiddenStatesError(f"{type(model).__name__} has layers without a state for each token")
    return tuple(state.float() for state in states)
