"""UEGR's backward stage: score each element's saliency, update the most salient more often.

    r_j = rank(s_j)/(n-1),   p_j = p(r_j) in [p_min, 1],   m_j ~ Bernoulli(p_j),   g_hat = m * g / p

[paper: parameter saliency scores, selective update of the most critical; form after RoAST, arXiv 2312.04032,
and Child-Tuning, arXiv 2109.05687; the three mask modes are explained in `mask_modes`.]

Theorem 1 assumes plain SGD and a mask that is independent of the gradient it masks: with p_hat = min_j p_j,
Cov[dtheta] <= eta^2 sigma_g^2 I/(p_hat |B|) + eta^2 (1-p_hat)/p_hat diag(dL/dtheta)^2. AdamW breaks the first
assumption. The second holds: the scores come from earlier steps only, and the first step updates everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.fused_update import FusedUpdate, fusible
from uegr.backward.mask_modes import MASK_MODES, MaskMode, Masks
from uegr.backward.parameter_positions import body_positions
from uegr.backward.replay import Replay
from uegr.backward.saliency_scores import Saliency, SaliencyScores
from uegr.backward.selection import Probability, Selection, bin_of, look_up, sample
from uegr.backward.selection_log import selection_dynamics
from uegr.backward.uniform_draws import Draws
from uegr.modeling.model_parts import layer_of
from uegr.modeling.model_wrappers import unwrap
from uegr.modeling.shards import sum_over_shards
from uegr.options import Options, option


@dataclass(frozen=True, kw_only=True)
class SelectiveOptions(Options):
    """Options of `SelectiveBackward`."""

    saliency: Saliency = option(
        "fisher", "score: fisher (mean squared gradient), gradient (|g|) or taylor (|theta * g|)"
    )
    probability: Probability = option(
        "sigmoid", "from ranks to update probabilities: sigmoid, linear, or top_share (only the highest ranks)"
    )
    alpha: float = option(0.6, "threshold of the sigmoid (RoAST: 0.6 and 0.9)")
    beta: float = option(1.0, "steepness of the sigmoid (RoAST: 1 and 10)")
    share: float = option(0.3, "share of the parameters that top_share updates", above=0, at_most=1)
    p_min: float = option(
        0.1,
        "p_hat: smaller update probabilities are raised to it; the default sigmoid has none below 0.23. The bound of "
        "Theorem 1 grows as 1/p_hat",
        above=0,
        at_most=1,
    )
    mask_mode: MaskMode = option(
        "update",
        "what is masked: gradient (g * m / p), frozen (weight and moments), or update (the step, m / p) [ours]",
    )
    refresh: int = option(20, "the ranks are computed again every N steps [ours]", at_least=1)


class SelectiveBackward(BackwardStage):
    """Saliency-selected update.

    Parameters outside the pretrained body (`model.base_model`), the newly created task head, are always updated. The
    "fisher" score is AdamW's second moment where that has seen the whole gradient (mask mode "update"), and a running
    mean of our own otherwise.
    """

    options_class: ClassVar[type[Options]] = SelectiveOptions
    options: SelectiveOptions

    def __init__(self, options: SelectiveOptions | None = None) -> None:
        super().__init__(options)
        o = self.options
        self.scores = SaliencyScores(o.saliency)
        self.selection = Selection(o.probability, o.alpha, o.beta, o.share, o.p_min)
        self.selectable: list[int] = []
        self._layers: list[str] = []
        self._table: Tensor | None = None
        self._bins: dict[int, Tensor] = {}
        self._fused = FusedUpdate()
        self._sampled_probabilities: dict[int, Tensor] = {}
        self._logged: dict[str, Tensor] = {}
        self._age = 0

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.selectable = body_positions(model, optimizer)
        names = {id(parameter): name for name, parameter in unwrap(model).named_parameters()}
        parameters = optimizer_parameters(optimizer)
        self._sampled_probabilities.clear()
        self.scores.keep(self.selectable)
        self._layers = [layer_of(names.get(id(parameters[i]), "")) for i in self.selectable]
        borrows = self.options.saliency == "fisher" and self.options.mask_mode == "update"
        self.scores.from_optimizer = borrows and isinstance(optimizer, torch.optim.AdamW)

    def tensors_of_parameters(self) -> list[dict[int, Tensor]]:
        return [self._bins, self.scores.means]

    @torch.no_grad()
    def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
        draws = Draws(seed)
        if self._table is not None and self.scores.from_optimizer and fusible(optimizer):
            self._fused.step(optimizer, set(self.selectable), self._table, draws, self.selection.is_drawn)
        else:
            masks = self._masks(optimizer, draws)
            if not self.scores.from_optimizer:  # scores are of whole gradients, and of the weights before the step
                self._observe(optimizer)
            MASK_MODES[self.options.mask_mode](optimizer, masks)
        if self.scores.from_optimizer:  # AdamW's second moment has seen the gradients only now
            self._observe(optimizer)

    def _masks(self, optimizer: torch.optim.Optimizer, draws: Draws) -> Masks:
        """The masks of this step.

        They are equal on all data-parallel ranks. A process that holds a part of sharded parameters draws for that
        part.
        """
        if self._table is None:
            return {}
        if self.scores.available_between_steps:
            bins = {i: bin_of(score) for i, score in self._scores(optimizer).items()}
        else:
            bins = {i: stored.int() for i, stored in self._bins.items()}
        masks: Masks = {}
        for i, bins_of_parameter in bins.items():
            p = look_up(self._table.to(bins_of_parameter.device), bins_of_parameter)
            masks[i] = (draws.uniforms(i, p) < p, p.reciprocal() if self.selection.is_drawn else None)
        return masks

    def _observe(self, optimizer: torch.optim.Optimizer) -> None:
        """Use this step's gradients, and rank again when it is time."""
        parameters = optimizer_parameters(optimizer)
        self.scores.observe({i: parameters[i] for i in self.selectable})
        if self._age % self.options.refresh == 0 and self.selectable:
            scores = self._scores(optimizer)
            sampled = sample(list(scores.values()))
            self._table = table = self.selection.table(sampled, lambda counts: sum_over_shards(counts, parameters))
            now = [look_up(table, bin_of(score)) for score in sampled]
            self._logged = selection_dynamics(
                self._layers, sampled, self._before(now), now, lambda sums: sum_over_shards(sums, parameters)
            )
            self._sampled_probabilities = dict(zip(scores, now, strict=True))
            if not self.scores.available_between_steps:  # keep the bin of each score, 16 bits per element
                self._bins = {i: bin_of(score).to(torch.int16) for i, score in scores.items()}
        self._age += 1

    def _before(self, now: Sequence[Tensor]) -> list[Tensor]:
        """The probabilities of the same elements at the ranking before; none if the model was sharded differently."""
        before = list(self._sampled_probabilities.values())
        if [p.shape for p in before] != [p.shape for p in now]:
            return []
        return [q.to(p.device) for q, p in zip(before, now, strict=True)]

    def _scores(self, optimizer: torch.optim.Optimizer) -> dict[int, Tensor]:
        """Position among the optimizer's parameters -> scores of its elements."""
        parameters = optimizer_parameters(optimizer)
        return {i: self.scores.score(i, parameters[i], optimizer.state.get(parameters[i])) for i in self.selectable}

    def report(self) -> dict[str, Tensor]:
        """See `selection_log`; there is something new after each ranking."""
        logged, self._logged = self._logged, {}
        return logged

    def state_dict(self) -> dict[str, Any]:
        return {
            "scores": self.scores.state_dict(),
            "table": self._table,
            "bins": {i: bins.to(torch.int16) for i, bins in self._bins.items()},
            "sampled": dict(self._sampled_probabilities),
            "age": self._age,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        selectable = state.get("selectable", self.selectable)  # saved by earlier versions, as were lists
        self.scores.load_state_dict(state["scores"], selectable)
        self._table = state["table"]
        self._bins = {int(i): bins.clone() for i, bins in state["bins"].items()}
        # Probabilities of other parameters, of which the loop has since frozen or unfrozen some, cannot be compared.
        sampled = state["sampled"]
        sampled = dict(zip(selectable, sampled, strict=False)) if isinstance(sampled, list) else dict(sampled)
        self._sampled_probabilities = sampled if list(sampled) == self.selectable else {}
        self._age = state["age"]
