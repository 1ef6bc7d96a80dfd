"""The logits in what a model returns."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.modeling.model_wrappers import config_value, unwrap


def logits_in(output: Any, model: nn.Module) -> Tensor:
    """The logits of an output with the attribute `logits`, or of a dict with that key.

    Raises:
        UsageError: the output has none.
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
    return logits
