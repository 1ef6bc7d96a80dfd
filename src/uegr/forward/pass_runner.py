"""The k sub-models of a step: passes of one sample, each with dropout rates of its own.

They run one after another, or as one batch where that is faster, or with their lower layers in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Literal, get_args

from torch import Tensor, nn

from uegr.errors import UsageError, unknown
from uegr.forward.forward_stage import Batch, Step, forward_pass
from uegr.forward.joined_passes import NotByRowError, joinable, joint_passes, pays
from uegr.forward.shared_layers import SharedLayers
from uegr.modeling.dropout_sites import DropoutSites, Rates

Batching = Literal["auto", "joint", "separate"]


class SubModels:
    """How the passes are run.

    Args:
        batching: "joint": all passes as one batch, where the model lets their dropout be told apart; "separate":
            one after another; "auto": joint for batches so small that it is faster, by a measured rule.
        shared_layers: share of the model's layers, from below, that all passes have in common.
    """

    def __init__(self, batching: Batching = "auto", shared_layers: float = 0.0) -> None:
        if batching not in get_args(Batching):
            raise unknown("batching", batching, get_args(Batching))
        if not 0.0 <= shared_layers < 1.0:
            raise UsageError(f"shared_layers is a share of the layers and must lie in [0, 1), not {shared_layers}.")
        if shared_layers and batching == "joint":
            raise UsageError("passes with layers in common cannot be one batch: leave batching at auto.")
        self.batching, self.shared_layers = batching, shared_layers
        self._apart = False

    def attach(self, model: nn.Module) -> None:
        """Refuse a model without layers to share."""
        if self.shared_layers:
            SharedLayers(model, self.shared_layers)

    def __call__(
        self,
        model: nn.Module,
        batch: Batch,
        step: Step,
        *,
        delta: Tensor | None,
        sites: DropoutSites,
        rates: Sequence[Rates],
    ) -> list[Tensor]:
        """The logits of each pass; see `forward_pass`."""
        wanted = self.batching == "joint" or (self.batching == "auto" and pays(batch))
        possible = len(rates) > 1 and not self.shared_layers and not self._apart
        if wanted and possible and joinable(model, batch, rates):
            try:
                return joint_passes(model, batch, step, delta=delta, sites=sites, rates=rates)
            except NotByRowError:
                self._apart = True
        shared = SharedLayers(model, self.shared_layers) if self.shared_layers else None
        outputs = []
        for rate in rates:
            with nullcontext() if shared is None else shared.of_pass():
                outputs.append(forward_pass(model, batch, step, delta=delta, sites=sites, rates=rate))
        return outputs

    def cost(self, passes: int) -> float:
        """Forward-pass units of the passes with their backward."""
        return 3.0 * (passes - (passes - 1) * self.shared_layers)
