"""The base of stages that rank the body's weights by the Fisher information of the gradients of many steps.

    F_j = 1/N sum_steps g_j^2,   r_j = rank(F_j) / (n - 1),   p_j = p(r_j)

The first ranking is that of the pretrained model, from a pass over the training data. Weights of the body are ranked
together; the new head, which has no pretrained score, is always trained.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.parameter_positions import body_positions
from uegr.backward.saliency_scores import SaliencyScores
from uegr.backward.selection import Selection, bin_of
from uegr.modeling.shards import sum_over_shards
from uegr.options import Options


class FisherRankedStage(BackwardStage):
    """Adds up squared gradients, and ranks the weights by them.

    Attributes:
        selection: from ranks to update probabilities; set by the stage.
    """

    needs: ClassVar[str] = "a pass over the training data first"
    prepared = False
    selection: Selection

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.scores = SaliencyScores("fisher", decay=None)
        self._body: list[int] = []
        self._optimizer: torch.optim.Optimizer | None = None

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._body = body_positions(model, optimizer)
        self._optimizer = optimizer
        self.scores.keep(self._body)

    def tensors_of_parameters(self) -> list[dict[int, Tensor]]:
        return [self.scores.means]

    @property
    def _parameters(self) -> list[Tensor]:
        assert self._optimizer is not None
        return optimizer_parameters(self._optimizer)

    def observe(self, optimizer: torch.optim.Optimizer) -> None:
        parameters = self._parameters
        self.scores.observe({i: parameters[i] for i in self._body})

    def rank_and_clear(self) -> tuple[Tensor, dict[int, Tensor]]:
        """Rank the weights by the gradients since the last ranking, and forget those gradients.

        Returns:
            The update probability of each bin of scores, see `Selection.table`; and the bins, int16, by the position of
            their parameter among the optimizer's.
        """
        parameters = self._parameters
        scores = [self.scores.score(i, parameters[i]) for i in self._body]
        self.scores.clear()
        bins = {i: bin_of(score).to(torch.int16) for i, score in zip(self._body, scores, strict=True)}
        return self.selection.table(scores, lambda counts: sum_over_shards(counts, parameters)), bins
