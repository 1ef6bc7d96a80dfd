"""The places where a model applies dropout, so that a pass can set all their rates.

Three kinds of sites: dropout modules; rates that a module holds as a number and passes to a kernel or to F.dropout
(attention in Llama, BART, T5); and, in a model without any dropout module (Llama, Qwen), the outputs of its residual
branches, which get dropout from a hook for the length of the pass [ours].
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from uegr.errors import UsageError
from uegr.modeling.activation_checkpointing import checkpointed_layers, detect_recomputation
from uegr.modeling.model_wrappers import has_graphs, unwrap

DropoutModule = nn.modules.dropout._DropoutNd


class SiteRate(float):
    """A rate that was written into a site, so that its dropout can be told from any other dropout of the model."""


class DropoutSites:
    """The dropout of one model as a list of sites: first the modules, then the numbers, then the branches.

    Args:
        model: the model.
        detects_recomputation: detect in each pass whether the model's own code calls torch.utils.checkpoint. It takes a
            hook on every module, so a training does it in its first step only.
    """

    def __init__(self, model: nn.Module, *, detects_recomputation: bool = True) -> None:
        modules, numbers = _rate_attributes(model)
        self.attributes = modules + numbers
        self.branches = [] if modules else residual_branches(model)
        if not len(self):
            raise UsageError(
                f"{type(model).__name__} has no dropout layer and no residual blocks to add dropout to, so its k "
                "sub-models would be equal: add nn.Dropout modules, or choose a method without dropout passes."
            )
        of_attributes = (float(getattr(module, name)) for module, name in self.attributes)
        self.own = (*of_attributes, *[0.0] * len(self.branches))
        """The model's own rates, one per site."""
        self._current: tuple[float, ...] = self.own
        layers = checkpointed_layers(model)
        self.is_recomputed: bool | None = True if layers else None
        """Whether parts of the model are recomputed in the backward pass; None: no pass with gradients has shown it."""
        self._detects = detects_recomputation and not layers and not has_graphs(model)  # a hook breaks a graph
        self._model, self._layers = model, layers
        self._rates_of: dict[int, tuple[float, ...]] = {}
        self._branch_handles: list[RemovableHandle] = []
        self._part_handles: list[RemovableHandle] = []

    def __len__(self) -> int:
        return len(self.attributes) + len(self.branches)

    @contextmanager
    def at(self, rate: float | None, seed: int = 0) -> Iterator[None]:
        """Give all sites this rate in this context, then their own rates again; None keeps their own.

        Under activation checkpointing parts of the model are recomputed in the backward pass, when this context is
        closed. Checkpointing first restores the random state, and with it the seed of the pass, so the seed identifies
        the pass and its rate. The hooks that restore the rate stay until `release`; without checkpointing, none stays.
        """
        detects = self._detects and not self.is_recomputed
        self._rates_of[seed] = self.own if rate is None else (rate,) * len(self)
        self._hook_branches()
        self._write(self._rates_of[seed])
        try:
            with detect_recomputation(self._model, self._set_recomputed) if detects else nullcontext():
                yield
            if detects and torch.is_grad_enabled():
                self.is_recomputed = self.is_recomputed is True
        finally:
            self._write(self.own)
            if self.is_recomputed:
                self._hook_parts()
            else:
                self.release()

    def for_next_loss(self, model: nn.Module) -> "DropoutSites":
        """The sites for the next loss of a step, with the rates of earlier passes, which may still be recomputed."""
        rates_of = dict(self._rates_of)
        self.release()
        sites = DropoutSites(model, detects_recomputation=self._detects)
        sites.is_recomputed = sites.is_recomputed or self.is_recomputed
        if rates_of:
            sites._rates_of = rates_of
            sites._hook_branches()
            sites._hook_parts()
        return sites

    def release(self) -> None:
        """Leave the model as it was before the first pass."""
        self._write(self.own)
        self._rates_of.clear()
        for handle in [*self._branch_handles, *self._part_handles]:
            handle.remove()
        self._branch_handles.clear()
        self._part_handles.clear()

    def _parts(self) -> list[nn.Module]:
        """The modules before which the rates are restored; by Hugging Face's flag, a child begins a recomputation."""
        if self._layers:
            return [child for layer in self._layers for child in layer.children()]
        return list(self._model.modules())

    def _set_recomputed(self) -> None:
        self.is_recomputed = True

    def _hook_branches(self) -> None:
        """Install the dropout of the branches, once."""
        if not self._branch_handles:
            for site, branch in enumerate(self.branches, start=len(self.attributes)):
                self._branch_handles.append(branch.register_forward_hook(self._drop(site)))

    def _hook_parts(self) -> None:
        """Install the hooks that restore the rates in a recomputation, once."""
        if not self._part_handles:
            self._part_handles = [part.register_forward_pre_hook(self._restore_rates) for part in self._parts()]

    def _restore_rates(self, _module: nn.Module, _inputs: Any) -> None:
        """Write the rates of the pass that a part of the model belongs to, before the part runs (again)."""
        self._write(self._rates_of.get(torch.initial_seed(), self.own))

    def _drop(self, site: int) -> Callable[[nn.Module, Any, Any], Any]:
        """A forward hook that applies dropout to a branch's output, or to the first of its outputs."""

        def hook(module: nn.Module, _inputs: Any, output: Any) -> Any:
            rate = self._current[site]
            if isinstance(output, Tensor):
                return F.dropout(output, rate, module.training)
            return (F.dropout(output[0], rate, module.training), *output[1:])

        return hook

    def _write(self, rates: tuple[float, ...]) -> None:
        if rates is not self._current:
            for (module, name), rate in zip(self.attributes, rates, strict=False):
                setattr(module, name, rate)
            self._current = rates


def has_dropout(model: nn.Module) -> bool:
    """Whether the model has any dropout of its own, at a rate above 0."""
    modules, numbers = _rate_attributes(model)
    return any(getattr(module, name) > 0 for module, name in modules + numbers)


def residual_branches(model: nn.Module) -> list[nn.Module]:
    """The attention and feed-forward blocks of a stack of layers: what each layer adds to its residual stream.

    Recognized by structure: a layer is a member of a ModuleList, and its branches are its children that hold a weight
    matrix (norms hold vectors only).
    """
    layers = [layer for stack in model.modules() if isinstance(stack, nn.ModuleList) for layer in map(unwrap, stack)]
    branches: list[nn.Module] = []
    for layer in layers:
        children = list(layer.children())
        matrices = [child for child in children if any(weight.dim() >= 2 for weight in child.parameters())]
        branches += [child for child in matrices if not isinstance(child, nn.ModuleList)]
    return branches


def _rate_attributes(model: nn.Module) -> tuple[list[tuple[nn.Module, str]], list[tuple[nn.Module, str]]]:
    """Where the rates are, as module and attribute: those of dropout modules, and those that are held as numbers."""
    modules: list[tuple[nn.Module, str]] = []
    numbers: list[tuple[nn.Module, str]] = []
    for module in model.modules():
        if isinstance(module, DropoutModule):
            modules.append((module, "p"))
        else:
            numbers += [(module, name) for name, value in vars(module).items() if _is_rate(name, value)]
    return modules, numbers


def _is_rate(name: str, value: object) -> bool:
    """Whether an attribute is a dropout rate: a number with such a name (layerdrop, which skips layers, is not)."""
    return "dropout" in name and isinstance(value, float) and 0.0 <= value < 1.0
