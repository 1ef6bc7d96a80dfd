"""What the stages see in a model, and what they would do with it: `print(uegr.check(model))`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from uegr.errors import UsageError
from uegr.modeling.dropout_sites import DropoutSites, checkpointed_layers
from uegr.modeling.embeddings import embedding_scale, input_embeddings, unwrap
from uegr.modeling.model_parts import head_parameters


@dataclass(frozen=True)
class CheckedPart:
    """One line of a check: a part of the model, what it is, what follows from it."""

    part: str
    finding: str
    action: str
    fine: bool = True


@dataclass(frozen=True)
class ModelCheck:
    """The parts of one model; printing it prints one line per part."""

    model: str
    parts: tuple[CheckedPart, ...]

    @property
    def fine(self) -> bool:
        """Whether every stage can work on the model."""
        return all(part.fine for part in self.parts)

    def __str__(self) -> str:
        lines = [f"{'ok ' if part.fine else 'NO '} {part.part}: {part.finding}; {part.action}" for part in self.parts]
        return "\n".join([f"uegr.check({self.model})", *lines])


def check(model: nn.Module) -> ModelCheck:
    """Look at a model without running or changing it.

    Returns:
        One part each for its embeddings, dropout, head, weights and gradient checkpointing. What raises a UsageError in
        training is a part that is not fine, with the same sentence.
    """
    inner = unwrap(model)
    looks: dict[str, Callable[[nn.Module], tuple[str, str]]] = {
        "embeddings": _embeddings,
        "dropout": _dropout,
        "head": _head,
        "weights": _weights,
        "gradient checkpointing": _checkpointing,
    }
    parts = []
    for name, look in looks.items():
        try:
            parts.append(CheckedPart(name, *look(inner)))
        except UsageError as error:
            parts.append(CheckedPart(name, str(error), "methods that need it will refuse the model", fine=False))
    return ModelCheck(type(inner).__name__, tuple(parts))


def _embeddings(model: nn.Module) -> tuple[str, str]:
    layer, scale = input_embeddings(model), embedding_scale(model)
    return (
        f"{type(layer).__name__} of width {scale.width}, mean norm {scale.norm:.3g}",
        "perturbed by a forward hook that exists for one pass",
    )


def _dropout(model: nn.Module) -> tuple[str, str]:
    sites = DropoutSites(model)
    if sites.branches:
        return (
            f"no dropout module, {len(sites.attributes)} rates held as numbers, "
            f"{len(sites.branches)} residual branches",
            "the branches get dropout by hooks for the length of a pass, the numbers are set",
        )
    modules = sum(name == "p" for _, name in sites.attributes)
    numbers = len(sites.attributes) - modules
    return (
        f"{modules} dropout modules, {numbers} rates held as numbers, own rates {_range(sites.own)}",
        "rates are set for a pass, whatever the model's own are, and restored",
    )


def _range(rates: Sequence[float]) -> str:
    low, high = min(rates), max(rates)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _head(model: nn.Module) -> tuple[str, str]:
    count = sum(parameter.numel() for parameter in head_parameters(model))
    if not count:
        return "not separate from the body (no base_model)", "every weight can be left out by the selection"
    return f"{count:,} weights outside the pretrained body", "always updated"


def _weights(model: nn.Module) -> tuple[str, str]:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise UsageError("no weight requires a gradient: unfreeze the model or add adapters.")
    formats = sorted({str(parameter.dtype).removeprefix("torch.") for parameter in trainable})
    count = sum(parameter.numel() for parameter in trainable)
    return f"{count:,} trainable weights in {', '.join(formats)}", "scored, selected and updated"


def _checkpointing(model: nn.Module) -> tuple[str, str]:
    if not checkpointed_layers(model):
        return "off", "nothing to do"
    return "on", "layers that run again get the dropout rates of their pass"
