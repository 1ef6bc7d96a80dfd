"""Dropout rates of a compiled model: tensors, so that new rates need no new graph.

torch.compile takes a rate that is a number as a constant and compiles anew when it changes. Where the rates are
the same at every step that is one graph a pass, and equal to the eager run; where they are drawn afresh it would
be one a step. There each dropout module gets a hook that drops by a tensor instead. Rates that a module hands
to a kernel as a number (attention) cannot be tensors: they stay the model's own [ours].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from uegr.modeling.dropout_sites import DropoutModule, DropoutSites
from uegr.modeling.embeddings import is_compiled


def dropout_sites(model: nn.Module, fixed_rates: bool) -> DropoutSites:
    """The sites of a model, with rates held so that torch.compile, if it is at work, need not compile again."""
    return TensorSites(model) if is_compiled(model) and not fixed_rates else DropoutSites(model)


class TensorSites(DropoutSites):
    """Sites whose rates are 0-dim tensors that hooks read; the modules' own rates are never touched."""

    _tensors: list[Tensor]

    def _write(self, rates: list[float]) -> None:
        self._current = rates
        self._tensors = [torch.tensor(rate) for rate in rates]

    def _hook(self) -> None:
        if not self._hooked:
            for at, (module, _) in enumerate(self.attributes):
                if isinstance(module, DropoutModule):
                    self._handles.append(module.register_forward_hook(self._drop(at)))
        super()._hook()

    def _drop(self, site: int) -> Callable[[nn.Module, Any, Any], Any]:
        """A forward hook: dropout of a dropout module's input, or of a branch's (first) output."""

        def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
            if not module.training:
                return None
            rate = self._tensors[site]
            if isinstance(module, DropoutModule):
                return _drop_by(inputs[0], rate)
            if isinstance(output, Tensor):
                return _drop_by(output, rate)
            return (_drop_by(output[0], rate), *output[1:])

        return hook


def _drop_by(values: Tensor, rate: Tensor) -> Tensor:
    keep = torch.rand_like(values) >= rate
    return values * keep / (1.0 - rate)
