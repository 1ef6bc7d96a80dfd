"""What the stages will find in a model, and what they would do about it: `print(uegr.check(model))`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from uegr.errors import UsageError
from uegr.modeling.dropout_sites import DropoutSites, checkpointed_layers
from uegr.modeling.embeddings import embedding_scale, input_embeddings, unwrap
from uegr.modeling.model_parts import head_parameters


@dataclass(frozen=True)
class Finding:
    """One line of a check: a part of the model, what was found there, what follows from it."""

    part: str
    found: str
    action: str
    fine: bool = True


@dataclass(frozen=True)
class Check:
    """The findings on one model; printing it prints a line each."""

    model: str
    findings: tuple[Finding, ...]

    @property
    def fine(self) -> bool:
        """Whether every stage can work on the model."""
        return all(one.fine for one in self.findings)

    def __str__(self) -> str:
        lines = [f"{'ok ' if one.fine else 'NO '} {one.part}: {one.found}; {one.action}" for one in self.findings]
        return "\n".join([f"uegr.check({self.model})", *lines])


def check(model: nn.Module) -> Check:
    """Look at a model without running or changing it.

    Returns:
        A finding each on its embeddings, dropout, head, weights and gradient checkpointing. What raises a
        UsageError in training is a finding that is not fine, with the same sentence.
    """
    inner = unwrap(model)
    parts: dict[str, Callable[[nn.Module], tuple[str, str]]] = {
        "embeddings": _embeddings,
        "dropout": _dropout,
        "head": _head,
        "weights": _weights,
        "gradient checkpointing": _checkpointing,
    }
    findings = []
    for part, look in parts.items():
        try:
            found, action = look(inner)
            findings.append(Finding(part, found, action))
        except UsageError as error:
            findings.append(Finding(part, str(error), "methods that need it will refuse the model", fine=False))
    return Check(type(inner).__name__, tuple(findings))


def _embeddings(model: nn.Module) -> tuple[str, str]:
    layer, scale = input_embeddings(model), embedding_scale(model)
    return (
        f"{type(layer).__name__} of width {scale.width}, mean norm {scale.norm:.3g}",
        "perturbed by a forward hook that lives for one pass",
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
        "rates are set for a pass, whatever the own ones are, and given back",
    )


def _range(rates: Sequence[float]) -> str:
    low, high = min(rates), max(rates)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _head(model: nn.Module) -> tuple[str, str]:
    count = sum(parameter.numel() for parameter in head_parameters(model))
    if not count:
        return "none told apart from the body (no base_model)", "every weight can be left out by the selection"
    return f"{count:,} weights outside the pretrained body", "always updated"


def _weights(model: nn.Module) -> tuple[str, str]:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise UsageError("no weight requires a gradient: unfreeze the model or add adapters.")
    kinds = sorted({str(parameter.dtype).removeprefix("torch.") for parameter in trainable})
    count = sum(parameter.numel() for parameter in trainable)
    return f"{count:,} trainable weights in {', '.join(kinds)}", "scored, selected and updated"


def _checkpointing(model: nn.Module) -> tuple[str, str]:
    if not checkpointed_layers(model):
        return "off", "nothing to do"
    return "on", "layers that run again get the dropout rates of their pass"
