"""Parts of a model: the pretrained body, the newly created task head, and the layers."""

from __future__ import annotations

from torch import nn

from uegr.modeling.embeddings import unwrap


def head_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Parameters outside the pretrained body, by Hugging Face's `base_model`; none if the model has no such."""
    inner = unwrap(model)
    body = getattr(inner, "base_model", None)
    if not isinstance(body, nn.Module) or body is inner:
        return []
    within = {id(parameter) for parameter in body.parameters()}
    return [parameter for parameter in inner.parameters() if id(parameter) not in within]


def layer_of(parameter: str) -> str:
    """The layer a parameter's name places it in: up to the first number ("bert.encoder.layer.3"), or else its
    first two modules ("bert.embeddings")."""
    modules = parameter.split(".")[:-1]
    numbers = [at for at, part in enumerate(modules) if part.isdigit()]
    return ".".join(modules[: numbers[0] + 1 if numbers else 2])


def longest_input(model: nn.Module) -> int | None:
    """The largest number of tokens that the model has positions for; None where it has no table of positions.

    The table of RoBERTa-like models begins after its padding row.
    """
    inner = unwrap(model)
    positions = getattr(getattr(inner, "config", None), "max_position_embeddings", None)
    if positions is None:
        return None
    tables = [
        module
        for name, module in inner.named_modules()
        if isinstance(module, nn.Embedding) and "position" in name and module.num_embeddings == positions
    ]
    padding = next((table.padding_idx for table in tables if table.padding_idx is not None), None)
    return int(positions) if padding is None else int(positions) - padding - 1
