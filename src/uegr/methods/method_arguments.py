"""Check the arguments of `Method` that are not options of its configuration."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from uegr.backward.backward_stage import BackwardStage
from uegr.backward.plain import PlainBackward
from uegr.data.class_weighting import usable_weights
from uegr.data.kind import IGNORED_LABEL
from uegr.errors import UsageError, shown
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.plain import PlainForward
from uegr.forward.step_inputs import Batch
from uegr.options import check_value, own_number


def checked_seed(seed: Any) -> int:
    """A seed as Python's int; NumPy's integers are accepted, too.

    Raises:
        UsageError: it is not a whole number, or below 0.
    """
    number = own_number(seed)
    check_value("seed", number, int)
    if number < 0:
        raise UsageError(f"seed must be at least 0, not {number}.")
    return int(number)


def weights_tensor(class_weights: Iterable[float] | None) -> Tensor | None:
    """The class weights as a tensor (C,); None for equal weights.

    Raises:
        UsageError: a weight is negative or not a number, or there is none.
    """
    if class_weights is None:
        return None
    weights = usable_weights(class_weights)
    if weights is None:
        raise UsageError(
            f"class_weights must be one number per class, none of them negative, not {class_weights!r}; for "
            "balanced weights: sklearn.utils.class_weight.compute_class_weight."
        )
    return torch.tensor(weights)


def checked_num_items(num_items: Any, batch: Batch) -> Any:
    """The number of targets that a summed loss is divided by: at least 1, where it is known without waiting for a GPU.

    Raises:
        UsageError: it is not one number, or too small for a batch that has targets.
    """
    if isinstance(num_items, Tensor) and num_items.numel() == 1 and num_items.device.type != "cpu":
        return num_items.clamp_min(1)
    number = num_items.item() if isinstance(num_items, Tensor) and num_items.numel() == 1 else own_number(num_items)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise UsageError(
            f"num_items must be one number, that of the targets in all accumulated batches, not {shown(num_items)}."
        )
    if number >= 1:
        return num_items
    labels = batch.get("labels")
    if number != 0 or (isinstance(labels, Tensor) and bool((labels != IGNORED_LABEL).any())):
        raise UsageError(
            f"num_items must be the number of targets in all accumulated batches, which is not {number:g}: count "
            "those of this batch too, or leave num_items out to take the batch's mean."
        )
    return 1  # a batch without targets has the loss 0


def check_backward_only(name: str, forward: ForwardStage, backward: BackwardStage) -> None:
    """Check that the backward stage of a method called `name` does its work on gradients of another loss.

    Raises:
        UsageError: it needs `method.loss`, or the method is plain fine-tuning without its forward stage.
    """
    if backward.replays:
        reason = "computes a second gradient of method.loss(...)"
    elif backward.moves_weights:
        reason = "changes the weights for method.loss(...)"
    elif type(backward) is PlainBackward and type(forward) is not PlainForward:
        reason = "is plain fine-tuning without its forward stage"
    else:
        return
    raise UsageError(f"{name} {reason}: leave out backward_only=True, and compute the loss with method.loss(batch).")
