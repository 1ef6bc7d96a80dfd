"""Child-Tuning D: only the child network that matters for the task is trained (Xu et al. 2021, arXiv 2109.05687).

    F_j = 1/N sum_steps (dL/dtheta_j)^2 of the pretrained model,   m_j = 1 where F_j is in the top share
    g_hat = m * g

The child is selected before training, in one pass over the training data, and does not change; nothing is rescaled. The
released code clips each tensor's gradient before scoring, and scores only parameters with "layer" in their names;
neither is done here. A masked weight has no momentum, because its gradient was always zero; the optimizer's weight
decay still acts on it.
"""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from uegr.backward.fisher_ranking import FisherRankedStage
from uegr.backward.mask_modes import Masks, step_with_masked_gradient
from uegr.backward.replay import Replay
from uegr.backward.selection import Selection, look_up
from uegr.errors import UegrWarning
from uegr.options import Options, option


@dataclass(frozen=True, kw_only=True)
class ChildTuningDOptions(Options):
    """Options of `ChildTuningD`."""

    child: float = option(
        0.3, "p_D, share of the body's weights that is trained (released: 0.1 to 0.3 by task)", above=0, at_most=1
    )


class ChildTuningD(FisherRankedStage):
    """Masks the gradient by the Fisher information of the pretrained weights."""

    options_class: ClassVar[type[Options]] = ChildTuningDOptions
    options: ChildTuningDOptions

    def __init__(self, options: ChildTuningDOptions | None = None) -> None:
        super().__init__(options)
        self.selection = Selection("top_share", share=self.options.child)
        self._masks: dict[int, Tensor] = {}

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        super().attach(model, optimizer)
        self._warn_of_unscored()

    def tensors_of_parameters(self) -> list[dict[int, Tensor]]:
        return [*super().tensors_of_parameters(), self._masks]

    def finish_preparation(self) -> None:
        table, bins_of_body = self.rank_and_clear()
        self._masks = {i: look_up(table, bins.int()).bool() for i, bins in bins_of_body.items()}
        self.prepared = True

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        masks: Masks = {i: (mask, None) for i, mask in self._masks.items()}
        step_with_masked_gradient(optimizer, masks)

    def state_dict(self) -> dict[str, Any]:
        return {"prepared": self.prepared, "masks": dict(self._masks)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.prepared = state["prepared"]
        self._masks = {int(i): mask.clone() for i, mask in state["masks"].items()}
        self._warn_of_unscored()

    def _warn_of_unscored(self) -> None:
        """Warn of weights that were added to the body after it was scored."""
        unscored = sum(i not in self._masks for i in self._body)
        if self.prepared and unscored:
            warnings.warn(
                f"{unscored} parameters were added or unfrozen after child-tuning-d had scored the weights, so all of "
                "their elements are trained: to choose among them too, call method.reset() and attach(...) with a "
                "train_loader again.",
                UegrWarning,
                stacklevel=2,
            )
