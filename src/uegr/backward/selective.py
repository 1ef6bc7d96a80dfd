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

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.fused_update import FusedUpdate, fusible
from uegr.backward.mask_modes import MEANINGS, Masks, Meaning
from uegr.backward.parameter_positions import body_positions
from uegr.backward.replay import Replay
from uegr.backward.saliency_scores import Saliency, SaliencyScores
from uegr.backward.selection import Draw, Probability, Selection, bin_of, look_up, sample
from uegr.backward.selection_log import selection_dynamics
from uegr.backward.triton_update import KernelUpdate, usable
from uegr.backward.uniform_draws import Draws
from uegr.errors import UsageError, unknown
from uegr.modeling.embeddings import unwrap
from uegr.modeling.model_parts import layer_of
from uegr.modeling.shards import sum_over_shards

DECAY = 0.9
"""Of a running mean of our own."""


class SelectiveBackward(BackwardStage):
    """Saliency-selected update.

    Args:
        saliency: the score: "fisher" (mean squared gradient), "gradient" (|g|) or "taylor" (|theta * g|); see
            `SaliencyScores`.
        saliency_decay: share of the old mean that "fisher" keeps each step. None: "fisher" is AdamW's own second
            moment wherever that has seen the whole gradient of earlier steps only, with the meaning "update" and
            `lag`; elsewhere the decay is 0.9.
        probability, draw, alpha, beta, share, p_min: see `Selection`.
        meaning: "gradient", "frozen" or "update"; see `meaning`.
        rescale: divide by p where the mask was drawn ("bernoulli"), which makes the update unbiased.
        refresh: ranks, and with them the probability that a score stands for, are computed anew every so many
            steps [ours]; masks are drawn at every step all the same.
        lag: score with the statistics of earlier steps only, so that the mask is independent of the gradient
            it masks, as Theorem 1 assumes; the first step then updates everything.

    Parameters outside the pretrained body (`model.base_model`), the newly created task head, are always
    updated.
    """

    def __init__(
        self,
        *,
        saliency: Saliency = "fisher",
        saliency_decay: float | None = None,
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
        self.scores = SaliencyScores(saliency, DECAY if saliency_decay is None else saliency_decay)
        self.may_borrow = saliency_decay is None and saliency == "fisher" and meaning == "update" and lag
        self.selection = Selection(probability, draw, alpha, beta, share, p_min)
        self.meaning, self.rescale, self.refresh, self.lag = meaning, rescale, refresh, lag
        self.selectable: list[int] = []
        self._layers: list[str] = []
        self._table: Tensor | None = None
        self._bins: dict[int, Tensor] = {}
        self._walks: list[FusedUpdate | KernelUpdate] = [FusedUpdate(), *([KernelUpdate()] if usable() else [])]
        self._sampled: list[Tensor] = []
        self._news: dict[str, Tensor] = {}
        self._age = 0

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.selectable = body_positions(model, optimizer)
        names = {id(parameter): name for name, parameter in unwrap(model).named_parameters()}
        parameters = optimizer_parameters(optimizer)
        self._layers = [layer_of(names.get(id(parameters[i]), "")) for i in self.selectable]
        self.scores.borrowed = self.may_borrow and isinstance(optimizer, torch.optim.AdamW)

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        if not self.lag:
            self._observe(optimizer)
        draws = Draws(seed)
        walk = next((one for one in self._walks if fusible(optimizer, one.device)), None)
        if self._table is not None and self.scores.borrowed and walk is not None:
            walk.step(optimizer, set(self.selectable), self._table, draws, self._rescaled)
        else:
            MEANINGS[self.meaning](optimizer, self._masks(optimizer, draws))
        if self.lag:
            self._observe(optimizer)

    def report(self) -> dict[str, Tensor]:
        """See `uegr.backward.selection_log`; there is news after each renewal of the ranks."""
        news, self._news = self._news, {}
        return news

    def state_dict(self) -> dict[str, Any]:
        return {
            "scores": self.scores.state_dict(),
            "table": self._table,
            "bins": {i: bins.to(torch.int16) for i, bins in self._bins.items()},
            "sampled": list(self._sampled),
            "age": self._age,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.scores.load_state_dict(state["scores"])
        self._table = state["table"]
        self._bins = {int(i): bins.clone() for i, bins in state["bins"].items()}
        self._sampled = list(state["sampled"])
        self._age = state["age"]

    @property
    def _rescaled(self) -> bool:
        return self.rescale and self.selection.draw == "bernoulli"

    def _observe(self, optimizer: torch.optim.Optimizer) -> None:
        """Take in this step's gradients, and rank anew when it is time."""
        parameters = optimizer_parameters(optimizer)
        self.scores.observe([parameters[i] for i in self.selectable])
        if self._age % self.refresh == 0 and self.selectable:
            scores = self._scores(optimizer)
            sampled = sample(list(scores.values()))
            self._table = table = self.selection.table(sampled, lambda counts: sum_over_shards(counts, parameters))
            before, self._sampled = self._sampled, [look_up(table, bin_of(one)) for one in sampled]
            self._news = selection_dynamics(
                self._layers, sampled, before, self._sampled, lambda sums: sum_over_shards(sums, parameters)
            )
            if not self.scores.live:  # gone with the gradient: 16 bits an element remember it
                self._bins = {i: bin_of(score).to(torch.int16) for i, score in scores.items()}
        self._age += 1

    def _scores(self, optimizer: torch.optim.Optimizer) -> dict[int, Tensor]:
        """Position among the optimizer's parameters -> scores of its elements."""
        parameters = optimizer_parameters(optimizer)
        return {
            i: self.scores.score(at, parameters[i], optimizer.state.get(parameters[i]))
            for at, i in enumerate(self.selectable)
        }

    def _masks(self, optimizer: torch.optim.Optimizer, draws: Draws) -> Masks:
        """This step's masks, alike on every data-parallel rank, which holds the same parameters; processes that
        hold different parts of sharded ones draw each for its own."""
        if self._table is None:
            return {}
        if self.scores.live:
            bins = {i: bin_of(score) for i, score in self._scores(optimizer).items()}
        else:
            bins = {i: one.int() for i, one in self._bins.items()}
        masks: Masks = {}
        for i, one in bins.items():
            p = look_up(self._table.to(one.device), one)
            masks[i] = (draws.uniforms(i, p) < p, p.reciprocal() if self._rescaled else None)
        return masks
