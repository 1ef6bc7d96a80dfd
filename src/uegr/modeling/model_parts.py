"""Parts of a model: the pretrained body, the newly created task head, and the layers."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from uegr.data.kind import KIND_TITLES
from uegr.modeling.embeddings import token_table
from uegr.modeling.model_wrappers import config_value, unwrap

HEADS = {
    "ForSequenceClassification": KIND_TITLES["classification"],
    "ForTokenClassification": KIND_TITLES["token"],
    "ForQuestionAnswering": "question answering",
    "ForMultipleChoice": "multiple choice",
}
"""Heads whose weights have the same names in some families, by the end of the name of their class."""


def head_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Parameters outside the pretrained body; empty where nothing separates the two.

    The body is Hugging Face's `base_model`, and in a module of the user's own the bodies of the models of transformers
    inside it.
    """
    inner = unwrap(model)
    body = getattr(inner, "base_model", None)
    bodies = [body] if isinstance(body, nn.Module) else [part.base_model for part in pretrained_parts(inner)]
    if not bodies or bodies == [inner]:
        return []
    body_parameters = {id(parameter) for body in bodies for parameter in body.parameters()}
    return [parameter for parameter in inner.parameters() if id(parameter) not in body_parameters]


def pretrained_parts(model: nn.Module) -> list[PreTrainedModel]:
    """The models of transformers in a module, without those that are parts of another."""
    model = unwrap(model)
    if isinstance(model, PreTrainedModel):
        return [model]
    parts = [part for child in model.children() for part in pretrained_parts(child)]
    return list({id(part): part for part in parts}.values())


def output_layer(model: nn.Module, outputs: int) -> tuple[str, nn.Linear | None]:
    """The name and module of the last linear layer of the head with this number of outputs."""
    head = {id(parameter) for parameter in head_parameters(model)}  # empty where nothing separates it from the body
    layers = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == outputs and (not head or id(module.weight) in head)
    ]
    return layers[-1] if layers else ("", None)


def saved_head(model: nn.Module) -> str | None:
    """What the head in the file predicts, in words, where it is not what the model predicts.

    Args:
        model: as `from_pretrained` returns it: `config.architectures` names the class that was saved.
    """
    saved, opened = head_title((config_value(model, "architectures") or [""])[0]), head_title(type(model).__name__)
    return saved if opened and saved != opened else None


def head_title(class_name: str) -> str | None:
    """What the head of a class of transformers predicts, in words, for the heads that are told apart."""
    return next((title for ending, title in HEADS.items() if class_name.endswith(ending)), None)


def layer_of(parameter: str) -> str:
    """The layer of a parameter by its name: up to the first number ("bert.encoder.layer.3"), or else its first two
    modules ("bert.embeddings")."""
    modules = parameter.split(".")[:-1]
    numbers = [i for i, module in enumerate(modules) if module.isdigit()]
    return ".".join(modules[: numbers[0] + 1 if numbers else 2])


MOST_EXTRA_ROWS = 8
"""A table of positions may have more rows than there are positions: BART's has two that are never used."""


def longest_input(model: nn.Module) -> int | None:
    """The largest number of tokens that the model has learned positions for, or None without a table of positions.

    The table is the `nn.Embedding`, other than that of the tokens, with `config.max_position_embeddings` rows. Where it
    has a `padding_idx` (RoBERTa), positions start after it.
    """
    inner = unwrap(model)
    positions = config_value(inner, "max_position_embeddings")
    if not isinstance(positions, int):
        return None
    tokens = token_table(inner)
    for table in inner.modules():
        if not isinstance(table, nn.Embedding) or table.weight is tokens:
            continue
        if 0 <= table.num_embeddings - positions <= MOST_EXTRA_ROWS:
            first = 0 if table.padding_idx is None else table.padding_idx + 1
            return min(positions, table.num_embeddings - first)
    return None


def device_of(model: nn.Module, batch: Mapping[str, Any]) -> torch.device:
    """The device of a batch, or of the model if the batch holds no tensor."""
    tensors = [value for value in batch.values() if isinstance(value, Tensor)]
    return (tensors[0] if tensors else next(unwrap(model).parameters())).device
