"""Start the output of a new regression head where the labels are.

A new head starts at outputs near 0, and AdamW moves a weight by about the learning rate per step, whatever the size of
the gradient. Labels that lie far from 0, or far apart, are therefore out of reach of a short fine-tuning: a model that
learns grades from 0 to 5 learns nothing from the same grades times 100.
"""

from collections.abc import Sequence

import torch
from torch import nn

from uegr.modeling.model_folder import new_weights_of


def start_at_labels(model: nn.Module, labels: Sequence[float]) -> None:
    """Set the bias of a new regression head to the mean of the labels, and scale its weights by their spread [ours].

    The gradients of the body are then those of labels with mean 0 and standard deviation 1, times a number, to which
    AdamW is indifferent. A head without a bias (the `score` of decoders) is scaled by the root mean square of the
    labels. A head that was trained before stays as it is.

    Args:
        model: with one output, as `load_model` returns it.
        labels: of the training examples, at least one.
    """
    head = _new_output(model)
    if head is None:
        return
    numbers = torch.tensor(labels, dtype=torch.float64)
    start = numbers.mean() if head.bias is not None else numbers.new_zeros(())
    spread = (numbers - start).square().mean().sqrt()
    with torch.no_grad():
        if head.bias is not None:
            head.bias.fill_(float(start))
        if spread > 0:
            head.weight.mul_(float(spread))


def _new_output(model: nn.Module) -> nn.Linear | None:
    """The last linear module with one output, if its weights were drawn at random."""
    new = set(new_weights_of(model))
    outputs = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == 1
    ]
    if not outputs or f"{outputs[-1][0]}.weight" not in new:
        return None
    return outputs[-1][1]
