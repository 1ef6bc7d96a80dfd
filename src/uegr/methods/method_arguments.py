"""Check the arguments of `Method` that are not options of its configuration."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from uegr.data.class_weighting import usable_weights
from uegr.errors import UsageError
from uegr.options import check_value, own_number


def checked_seed(seed: Any) -> int:
    """A seed as a whole number of Python; one of NumPy is taken, too.

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
