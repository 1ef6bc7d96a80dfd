"""Which parameters belong to the pretrained body, and which to the newly created task head."""

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import optimizer_parameters
from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.model_parts import head_parameters


def body_positions(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[int]:
    """Positions, among the optimizer's parameters, of the trainable parameters of the pretrained body."""
    head = {id(parameter) for parameter in head_parameters(model)}
    parameters = enumerate(optimizer_parameters(optimizer))
    return [i for i, parameter in parameters if parameter.requires_grad and id(parameter) not in head]


def matrix_positions(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[int]:
    """The positions of the body's weight matrices, without vectors (biases, norms) and token embeddings.

    Tables of positions and of token types are among them.
    """
    parameters: list[Tensor] = optimizer_parameters(optimizer)
    table = input_embeddings(model).weight
    return [i for i in body_positions(model, optimizer) if parameters[i].dim() >= 2 and parameters[i] is not table]
