"""What an attack is given: a batch of tensors with a row and a class per example, or texts."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from uegr.data.json_lines import without_surrogates
from uegr.errors import UsageError, shown
from uegr.evaluation.attacks.attack_results import Texts


def tensors_of(batch: Any, device: torch.device) -> dict[str, Tensor]:
    """The tensors of a batch on a device, with labels of 64 bits.

    Raises:
        UsageError: there are no classes, examples or token ids, or an entry is not a tensor with a row per example.
    """
    labels = batch.get("labels") if isinstance(batch, Mapping) else None
    if not isinstance(labels, Tensor) or labels.dim() != 1 or labels.is_floating_point() or not len(labels):
        raise UsageError(
            "an attack needs the class of each example: put a tensor of whole numbers (B,) at batch['labels'], for at "
            "least one example."
        )
    if "input_ids" not in batch:
        raise UsageError("an attack needs the token ids of each example: put them at batch['input_ids'].")
    for name, values in batch.items():
        if not isinstance(values, Tensor) or values.shape[:1] != labels.shape:
            given = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else shown(values)
            raise UsageError(
                f"batch['{name}'] must be a tensor with a row for each of the {len(labels)} labels, not {given}: leave "
                "it out, or make a tensor of it (return_tensors='pt')."
            )
    return {name: values.to(device) for name, values in batch.items()} | {"labels": labels.to(device, torch.long)}


def examples_of(texts: Iterable[Any]) -> list[Texts]:
    """The strings of each example, one or two; halves of characters, which no tokenizer reads, become U+FFFD.

    Raises:
        UsageError: something is not a string, or some examples are pairs and others are not.
    """
    examples = [tuple(text) if isinstance(text, tuple | list) else (text,) for text in texts]
    for columns in examples:
        if len(columns) not in {1, 2} or not all(isinstance(column, str) for column in columns):
            raise UsageError(f"a text must be a string, or a pair of strings, not {columns!r}.")
        if len(columns) != len(examples[0]):
            raise UsageError("some texts are single and others pairs: give one string for all, or a pair for all.")
    return [tuple(map(without_surrogates, columns)) for columns in examples]
