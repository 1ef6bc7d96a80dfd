"""What the stages see in a model, and what they would do with it: `print(uegr.check(model))`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from uegr.errors import UsageError
from uegr.modeling.activation_checkpointing import checkpointed_layers
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import embedding_scale, input_embeddings
from uegr.modeling.model_parts import head_parameters, longest_input
from uegr.modeling.model_wrappers import unwrap
from uegr.modeling.module_modes import in_mode
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.tokenizer_match import check_match
from uegr.modeling.weight_dtypes import check_dtypes, trainable_weights


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
        lines = [
            f"{'ok ' if part.fine else 'NO '} {part.part}: {part.finding.removesuffix('.')}; {part.action}"
            for part in self.parts
        ]
        return "\n".join([f"uegr.check({self.model})", *lines])


def check(model: nn.Module, tokenizer: Any = None) -> ModelCheck:
    """Look at a model without changing it; one pass over a few tokens shows how it looks up its embeddings.

    Args:
        model: the model, wrapped or not.
        tokenizer: the model's tokenizer, to compare it with the model; None checks the model alone.

    Returns:
        One part each for the embeddings, dropout, head, weights and gradient checkpointing, and for the tokenizer if it
        is given. Where training would raise a UsageError, the part is not fine and holds the same sentence.
    """
    inner = unwrap(model)
    inspections: dict[str, Callable[[nn.Module], tuple[str, str]]] = {
        "embeddings": _embeddings,
        "dropout": _dropout,
        "head": _head,
        "weights": _weights,
        "gradient checkpointing": _checkpointing,
    }
    if tokenizer is not None:
        inspections["tokenizer"] = lambda model: _tokenizer(model, tokenizer)
    parts = []
    for name, inspect in inspections.items():
        try:
            parts.append(CheckedPart(name, *inspect(inner)))
        except UsageError as error:
            parts.append(CheckedPart(name, str(error), "methods that need it will refuse the model", fine=False))
    return ModelCheck(type(inner).__name__, tuple(parts))


def _embeddings(model: nn.Module) -> tuple[str, str]:
    layer, scale = input_embeddings(model), embedding_scale(model)
    return (
        f"{type(layer).__name__} of width {scale.width}, mean norm {scale.norm:.3g}{_tried(model, scale.width)}",
        "perturbed by a forward hook that exists for one pass",
    )


def _tried(model: nn.Module, width: int) -> str:
    """Run one pass over 2 x 3 tokens with a perturbation of zeros, in eval mode, unless the model needs more inputs."""
    ids = torch.ones((2, 3), dtype=torch.long, device=next(model.parameters()).device)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    delta = torch.zeros(2, 3, width, device=ids.device)
    try:
        with torch.no_grad(), in_mode(model, train=False), perturbed(model, batch, delta):
            model(**batch)
    except UsageError:
        raise
    except Exception:  # noqa: BLE001  # a model that needs more than token ids raises anything
        return ", not tried: the model needs more than input_ids"
    return ""


def _tokenizer(model: nn.Module, tokenizer: Any) -> tuple[str, str]:
    check_match(model, tokenizer)
    longest = longest_input(model)
    positions = "no limit of positions" if longest is None else f"texts of up to {longest} tokens"
    return f"{len(tokenizer):,} tokens, padding {tokenizer.pad_token_id}, {positions}", "longer texts are cut"


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
    trainable = trainable_weights(model.parameters())
    dtypes = check_dtypes(trainable)
    count = sum(parameter.numel() for parameter in trainable)
    return f"{count:,} trainable weights in {', '.join(dtypes)}", "scored, selected and updated"


def _checkpointing(model: nn.Module) -> tuple[str, str]:
    if not checkpointed_layers(model):
        return "off", "nothing to do"
    return "on", "layers that run again get the dropout rates of their pass"
