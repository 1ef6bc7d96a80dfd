"""Which weights are trained, and the dtypes in which they can be."""

from collections.abc import Iterable

from torch import Tensor

from uegr.errors import UsageError


def trainable_weights(parameters: Iterable[Tensor]) -> list[Tensor]:
    """The weights that require a gradient.

    Raises:
        UsageError: there are none.
    """
    trainable = [weight for weight in parameters if weight.requires_grad]
    if not trainable:
        raise UsageError("no weight requires a gradient: unfreeze the model or add adapters.")
    return trainable


def check_values(weights: Iterable[Tensor]) -> None:
    """Check that the weights hold values, which those on the meta device do not.

    accelerate copies an offloaded weight to a tensor of its own for each pass: no gradient arrives at the weight, and a
    training would change nothing.

    Raises:
        UsageError: a weight is on the meta device.
    """
    if any(weight.is_meta for weight in weights):
        raise UsageError(
            "weights on the meta device hold no values: load the model without offloading, for example with "
            "device_map={'': 0}."
        )


def check_dtypes(parameters: Iterable[Tensor]) -> list[str]:
    """The dtypes of the trainable weights, such as float32.

    Weights in float16 are refused. AdamW's eps of 1e-8 is 0 in float16, and so is its second moment wherever a gradient
    is below 2.4e-4; an element that has a first moment and then, in one step, no gradient is divided by 0. Methods that
    mask gradients (Child-Tuning, Mixout) make such steps in every element, plain fine-tuning in rare tokens.

    Raises:
        UsageError: a trainable weight is in float16 or on the meta device.
    """
    trainable = [weight for weight in parameters if weight.requires_grad]
    check_values(trainable)
    dtypes = sorted({str(weight.dtype).removeprefix("torch.") for weight in trainable})
    if "float16" in dtypes:
        raise UsageError(
            "weights in float16 become NaN within a few steps of AdamW: load the model with dtype=torch.float32 (and "
            "use mixed precision, bf16=True or fp16=True), or in bfloat16."
        )
    return dtypes
