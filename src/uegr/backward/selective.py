"""UEGR's backward stage: score each element's saliency, update the most salient more often.

    r_j = rank(s_j)/(n-1),   p_j = p(r_j) in [p_min, 1],   m_j ~ Bernoulli(p_j),   g_hat = m * g / p

[paper: parameter saliency scores, selective update of the most critical; form after RoAST, arXiv 2312.04032,
and Child-Tuning, arXiv 2109.05687; the three meanings of "selective" are told apart in `meaning`.]

Theorem 1 assumes plain SGD and a mask that is independent of the gradient it masks: with p_hat = min_j p_j,
Cov[dtheta] <= eta^2 sigma_g^2 I/(p_hat |B|) + eta^2 (1-p_hat)/p_hat diag(dL/dtheta)^2. AdamW breaks the
first assumption. `lag=True` meets the second: the scores come from earlier steps only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from uegr.backward.body import body_positions
from uegr.backward.dynamics import layer_of, selection_dynamics
from uegr.backward.generators import Generators
from uegr.backward.meaning import MEANINGS, Masks, Meaning
from uegr.backward.replay import Replay
from uegr.backward.saliency import Saliency, SaliencyScores
from uegr.backward.selection import Draw, Probability, Selection, draw_mask, probability_of
from uegr.backward.shards import sum_over_shards
from uegr.backward.stage import BackwardStage, trained
from uegr.errors import UsageError, unknown
from uegr.forward.embeddings import unwrap


class SelectiveBackward(BackwardStage):
    """Saliency-selected update.

    Args:
        saliency, saliency_decay: see `SaliencyScores`.
        probability, draw, alpha, beta, share, p_min: see `Selection`.
        meaning: "gradient", "frozen" or "update"; see `meaning`.
        rescale: divide by p where the mask was drawn ("bernoulli"), which makes the update unbiased.
        refresh: ranks and probabilities are computed anew every so many steps [ours]; masks are drawn at
            every step all the same.
        lag: score with the statistics of earlier steps only, so that the mask is independent of the gradient
            it masks, as Theorem 1 assumes; the first step then updates everything.

    Parameters outside the pretrained body (`model.base_model`), the newly created task head, are always
    updated.
    """

    def __init__(
        self,
        *,
        saliency: Saliency = "fisher",
        saliency_decay: float = 0.9,
        probability: Probability = "sigmoid",
        draw: Draw = "bernoulli",
        alpha: float = 0.6,
        beta: float = 1.0,
        share: float = 0.3,
        p_min: float = 0.1,
        meaning: Meaning = "update",
        rescale: bool = True,
        refresh: int = 20,
        lag: bool = True,
    ) -> None:
        if meaning not in MEANINGS:
            raise unknown("meaning", meaning, MEANINGS)
        if refresh < 1:
            raise UsageError(f"refresh must be at least 1 step, not {refresh}.")
        self.scores = SaliencyScores(saliency, saliency_decay)
        self.selection = Selection(probability, draw, alpha, beta, share, p_min)
        self.meaning, self.rescale, self.refresh, self.lag = meaning, rescale, refresh, lag
        self.selectable: list[int] = []
        self._layers: list[str] = []
        self._levels: dict[int, Tensor] = {}
        self._news: dict[str, Tensor] = {}
        self._age = 0

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.selectable = body_positions(model, optimizer)
        names = {id(parameter): name for name, parameter in unwrap(model).named_parameters()}
        parameters = trained(optimizer)
        self._layers = [layer_of(names.get(id(parameters[i]), "")) for i in self.selectable]

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        parameters = trained(optimizer)
        if not self.lag:
            self._observe(parameters)
        MEANINGS[self.meaning](optimizer, self._masks(parameters, seed))
        if self.lag:
            self._observe(parameters)

    def report(self) -> dict[str, Tensor]:
        """See `uegr.backward.dynamics`; there is news after each renewal of the ranks."""
        news, self._news = self._news, {}
        return news

    def state_dict(self) -> dict[str, Any]:
        return {"scores": self.scores.state_dict(), "levels": dict(self._levels), "age": self._age}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.scores.load_state_dict(state["scores"])
        self._levels = {int(i): level.clone() for i, level in state["levels"].items()}
        self._age = state["age"]

    def _observe(self, parameters: list[Tensor]) -> None:
        """Take in this step's gradients, and rank anew when it is time."""
        self.scores.observe([parameters[i] for i in self.selectable])
        if self._age % self.refresh == 0:
            scores = [self.scores.score(at, parameters[i]) for at, i in enumerate(self.selectable)]
            levels = self.selection.levels(scores, lambda counts: sum_over_shards(counts, parameters))
            if scores:
                self._news = selection_dynamics(
                    self._layers,
                    scores,
                    list(self._levels.values()),
                    levels,
                    lambda sums: sum_over_shards(sums, parameters),
                )
            self._levels = dict(zip(self.selectable, levels, strict=True))
        self._age += 1

    def _masks(self, parameters: list[Tensor], seed: int) -> Masks:
        """This step's masks, the same on every data-parallel rank, which holds the same parameters; processes that
        hold different parts of sharded ones draw each for its own."""
        draw = Generators(seed)
        masks: Masks = {}
        for i, level in self._levels.items():
            rescaled = self.rescale and self.selection.draw == "bernoulli"
            scale = probability_of(level).reciprocal_() if rescaled else None
            masks[i] = (draw_mask(level, draw[parameters[i].device]), scale)
        return masks
