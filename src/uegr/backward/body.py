"""Which parameters belong to the pretrained body, and which to the newly created task head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uegr.backward.stage import trained
from uegr.forward.embeddings import input_embeddings, unwrap


def head_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Parameters outside the pretrained body, by Hugging Face's `base_model`; none if the model has no such."""
    inner = unwrap(model)
    body = getattr(inner, "base_model", None)
    if not isinstance(body, nn.Module) or body is inner:
        return []
    within = {id(parameter) for parameter in body.parameters()}
    return [parameter for parameter in inner.parameters() if id(parameter) not in within]


def body_positions(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[int]:
    """Positions, among the optimizer's parameters, of those that the pretrained body holds."""
    head = {id(parameter) for parameter in head_parameters(model)}
    return [i for i, one in enumerate(trained(optimizer)) if id(one) not in head]


def matrix_positions(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[int]:
    """Of those, the weight matrices of the layers: no vectors (biases, norms), and not the token embeddings."""
    parameters: list[Tensor] = trained(optimizer)
    table = input_embeddings(model).weight
    return [i for i in body_positions(model, optimizer) if parameters[i].dim() >= 2 and parameters[i] is not table]
