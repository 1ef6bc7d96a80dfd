"""The head of a checkpoint: what it predicts, and its trained outputs in the order of a task's classes."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, set_seed

from uegr.modeling.model_folder import add_new_weights, new_weights_of
from uegr.modeling.model_parts import output_layer, saved_head


def fit_to_classes(model: PreTrainedModel, saved: PreTrainedConfig, label_names: Sequence[str], seed: int) -> None:
    """Put the trained outputs of a checkpoint in the order of the classes; draw new ones if they are of others.

    Args:
        model: as `open_weights` returns it, with one output per class.
        saved: the configuration of the checkpoint, whose `id2label` names its outputs.
        label_names: the classes in order; none for regression.
        seed: of a new output layer.
    """
    name, layer = output_layer(model, max(1, len(label_names)))
    if layer is None or f"{name}.weight" in new_weights_of(model):
        return
    own = [str(name) for _, name in sorted((saved.id2label or {}).items())]
    order = order_of_classes(own, label_names) if label_names else [0]
    if order is None or saved_head(model) is not None:
        set_seed(seed)
        _draw_again(model, name, layer)
        add_new_weights(model, [f"{name}.{part}" for part, _ in layer.named_parameters()])
        return
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(weight[order])


def order_of_classes(own: Sequence[str], label_names: Sequence[str]) -> list[int] | None:
    """For each class of a task, its output in a checkpoint; None if the checkpoint is for other classes.

    The names are compared as they are, then without case and the blanks around them. Numbers alone name no class: the
    outputs then stay in order.

    Args:
        own: the names of the checkpoint's classes, by output.
        label_names: the classes of the task, in order.
    """
    for form in (str, _without_case):
        outputs, classes = [form(name) for name in own], [form(name) for name in label_names]
        if len({*outputs}) == len(outputs) and sorted(outputs) == sorted(classes):
            return [outputs.index(name) for name in classes]
    if any(are_unnamed(names) or list(names) == [str(i) for i in range(len(names))] for names in (own, label_names)):
        return list(range(len(label_names)))
    return None


def are_unnamed(names: Iterable[str]) -> bool:
    """Whether classes have the names that transformers gives where a model says none."""
    return all(re.fullmatch(r"LABEL_\d+", name) for name in names)


def _without_case(name: str) -> str:
    return name.strip().casefold()


def _draw_again(model: PreTrainedModel, name: str, layer: nn.Module) -> None:
    """Draw a layer as transformers draws what no file holds, which is up to the class of the model or of a module."""
    steps = name.split(".")
    around = [model.get_submodule(".".join(steps[:depth])) for depth in range(len(steps))]
    whole: list[Any] = [*model.modules(), *model.parameters(), *model.buffers()]
    drawn: list[Any] = [*around, layer, *layer.parameters()]
    for parts, is_in_file in ((whole, True), (drawn, False)):
        for part in parts:
            part._is_hf_initialized = is_in_file  # transformers' own mark of what it does not draw
    model.initialize_weights()
