"""The robustness curve of tasks without classes: the metric of the worst outputs that an attack finds.

At each epsilon an example's output is the one with the largest loss over all restarts and steps, at this epsilon and
the smaller ones (a smaller ball lies inside a larger one); the task's metric is computed from these outputs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor

from uegr.data.splits import LABEL
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, sorted_epsilons
from uegr.evaluation.attacks.example_draws import example_generators, random_starts
from uegr.evaluation.evaluated_model import Batch, EvaluatedModel, OnBatch
from uegr.evaluation.model_state import evaluation_mode
from uegr.evaluation.robustness import describe_curve
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.perturbed_pass import zero_delta
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.task_kinds.detection import KINDS
from uegr.modeling.task_kinds.task_kind import Outputs, concatenate_outputs
from uegr.modeling.task_kinds.tokens import Tokens
from uegr.perturb.ball import Ball
from uegr.perturb.projected_ascent import ProjectedAscent


def worst_case_curve(
    evaluated: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: EmbeddingAttack,
    on_batch: OnBatch = lambda examples: None,
) -> dict[str, Any]:
    """The "robustness" part of results.json: the kind's `curve_metric` at each epsilon.

    Args:
        evaluated, rows, epsilons, on_batch: as for `uegr.evaluation.robustness.robust_mask`.
        attack: the norm, steps, restarts and seed.
    """
    kind, sizes = KINDS[evaluated.kind], sorted_epsilons(epsilons)
    per_token = issubclass(kind, Tokens)  # outputs of tokens hold their labels
    labels = np.empty(0) if per_token else np.asarray(rows[LABEL][:])
    worst = worst_outputs(evaluated, rows, sizes, attack, on_batch)
    values = [kind.curve_value(outputs, labels) for outputs in worst]
    return describe_curve(attack, sizes, len(rows), kind.curve_metric, values)


def worst_outputs(
    evaluated: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: EmbeddingAttack,
    on_batch: OnBatch = lambda examples: None,
) -> Outputs:
    """The output of largest loss of each example at each epsilon, in ascending order; 0 is the clean output.

    Args:
        evaluated, rows, epsilons, attack, on_batch: as for `worst_case_curve`.

    Returns:
        Shape (len(epsilons), N, ...); see `TaskKind.outputs`.
    """
    if max(epsilons) == 0.0:  # models whose embeddings cannot be perturbed are allowed
        return np.stack([evaluated.outputs(rows)[0]] * len(epsilons))
    order: list[int] = []
    outputs: list[list[Outputs]] = [[] for _ in epsilons]
    ball, scale = Ball(attack.norm, attack.relative), embedding_scale(evaluated.model)
    with evaluation_mode(evaluated.model):
        for positions, batch in evaluated.batches(rows):
            mask = token_mask(batch)
            unit, worst = ball.unit(scale, mask), WorstOutputs(evaluated, batch)
            centre = zero_delta(batch, scale.width)
            worst.try_at(centre)
            for i, epsilon in enumerate(epsilons):
                radius = epsilon * unit
                for restart in range(attack.restarts if epsilon > 0 else 0):
                    start = centre
                    if restart:
                        generators = example_generators(attack.seed, positions, i, restart)
                        start = random_starts(ball, radius, mask, scale.width, generators)
                    ascent = ProjectedAscent(ball, attack.steps)
                    worst.try_at(ascent.perturb(worst.gradient_at, radius, mask, start))
                outputs[i].append(worst.outputs.double().numpy())
            order += positions
            on_batch(len(positions))
    return np.stack([concatenate_outputs(parts) for parts in outputs])[:, np.argsort(order)]


class WorstOutputs:
    """The outputs of largest loss so far of the examples of one batch.

    Args:
        evaluated: the model.
        batch: the tensors of B examples.
    """

    def __init__(self, evaluated: EvaluatedModel, batch: Batch) -> None:
        self._evaluated, self._batch, self._task = evaluated, batch, evaluated.task(batch)
        self._losses: Tensor | None = None
        self.outputs = torch.empty(0)

    @torch.no_grad()
    def try_at(self, delta: Tensor) -> None:
        """Run the model at a perturbation (B, T, d), and update the outputs."""
        logits = self._evaluated.logits(self._batch, delta)
        self._update(logits, self._task.attack_loss(logits))

    def gradient_at(self, delta: Tensor) -> Tensor:
        """Run the model at a perturbation, update the outputs, and return the gradient of the losses, (B, T, d)."""
        logits, losses, gradient = self._evaluated.gradient_at(self._batch, delta, self._task.attack_loss)
        self._update(logits, losses)
        return gradient

    def _update(self, logits: Tensor, losses: Tensor) -> None:
        outputs = self._task.outputs(logits).cpu()
        if self._losses is None:
            self._losses, self.outputs = losses, outputs
        else:
            larger = (losses > self._losses).reshape(-1, *[1] * (outputs.dim() - 1)).cpu()
            self.outputs = torch.where(larger, outputs, self.outputs)
            self._losses = torch.maximum(losses, self._losses)
