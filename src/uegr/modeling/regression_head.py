"""The output of a model for regression: it starts where the labels are, and is computed in float32.

A new head starts at outputs near 0, and AdamW moves a weight by about the learning rate per step, whatever the size of
the gradient. Labels that lie far from 0, or far apart, are therefore out of reach of a short fine-tuning: a model that
learns grades from 0 to 5 learns nothing from the same grades times 100.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uegr.modeling.model_folder import new_weights_of
from uegr.modeling.model_parts import output_layer


def start_at_labels(model: nn.Module, labels: Sequence[float]) -> None:
    """Set the bias of a new regression head to the mean of the labels, and scale its weights by their spread [ours].

    The gradients of the body are then those of labels with mean 0 and standard deviation 1, times a number, to which
    AdamW is indifferent. A head without a bias (the `score` of decoders) is scaled by the root mean square of the
    labels. A head that was trained before stays as it is.

    Args:
        model: with one output, as `load_model` returns it.
        labels: of the training examples, at least one.
    """
    name, head = output_layer(model, 1)
    if head is None or f"{name}.weight" not in new_weights_of(model):
        return
    numbers = torch.tensor(labels, dtype=torch.float64)
    start = numbers.mean() if head.bias is not None else numbers.new_zeros(())
    spread = (numbers - start).square().mean().sqrt()
    with torch.no_grad():
        if head.bias is not None:
            head.bias.fill_(float(start))
        if spread > 0:
            head.weight.mul_(float(spread))


def compute_in_float32(model: nn.Module) -> None:
    """Compute the last layer in float32 under autocast too, where bfloat16 would round a price to one part in 256.

    Args:
        model: with one output.
    """
    _, head = output_layer(model, 1)
    if head is not None:
        head.register_forward_hook(_in_float32)


def _in_float32(head: nn.Linear, inputs: tuple[Tensor, ...], output: Tensor) -> Any:
    if output.dtype == torch.float32:
        return None
    with torch.autocast(output.device.type, enabled=False):
        bias = None if head.bias is None else head.bias.float()
        return F.linear(inputs[0].float(), head.weight.float(), bias)
