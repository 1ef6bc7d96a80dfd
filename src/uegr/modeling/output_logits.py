"""The logits of a batch: what a model is called with, and where its output holds them."""

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.modeling.attention_kernel import faster_attention
from uegr.modeling.model_wrappers import config_value, unwrap


def logits_of_batch(model: nn.Module, batch: Mapping[str, Any]) -> Tensor:
    """The logits of one call of a model, (B, C) or (B, T, C).

    Labels are not given to the model, as a loss is computed outside it, unless its forward cannot be called without.

    Args:
        model: wrapped or not.
        batch: the model's inputs, and "labels" where there are any. The inputs of a decoder are made from them.

    Raises:
        UsageError: the model needs labels that the batch does not hold, or returns no logits.
    """
    inner = unwrap(model)
    model_class: Any = type(inner)
    needs_labels = _requires_labels(model_class)
    if needs_labels and "labels" not in batch:
        raise UsageError(
            f"{model_class.__name__} cannot read texts without labels: write labels=None in the arguments of its "
            "forward()."
        )
    inputs = {key: value for key, value in batch.items() if key != "labels" or needs_labels}
    makes_inputs = hasattr(inner, "prepare_decoder_input_ids_from_labels") and "labels" in batch
    if makes_inputs and "decoder_input_ids" not in inputs:
        inputs["decoder_input_ids"] = inner.prepare_decoder_input_ids_from_labels(batch["labels"])  # type: ignore[operator]
    with faster_attention(model):
        return logits_in(model(**inputs), model)


@functools.cache
def _requires_labels(model_class: Any) -> bool:
    """Whether the class's forward cannot be called without labels."""
    parameter = inspect.signature(model_class.forward).parameters.get("labels")
    return parameter is not None and parameter.default is parameter.empty


def logits_in(output: Any, model: nn.Module) -> Tensor:
    """The logits of an output with the attribute `logits`, or of a dict with that key.

    Raises:
        UsageError: the output has none, or not one row per example.
    """
    logits = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if isinstance(output, tuple) and config_value(model, "return_dict", True) is False:
        raise UsageError(
            f"{type(unwrap(model)).__name__} returns tuples, in which the logits have no name: set "
            "model.config.return_dict = True."
        )
    if not isinstance(logits, Tensor):
        raise UsageError(
            f"{type(model).__name__} returns no .logits: wrap it so that its forward() returns an object with a "
            "logits attribute, as Hugging Face's heads do, or a dict with the key logits."
        )
    if logits.dim() < 2:
        raise UsageError(
            f"{type(unwrap(model)).__name__} returns logits of shape {tuple(logits.shape)}: return (batch, classes), "
            "or (batch, 1) for one number per text."
        )
    return logits
