"""The base of all attacks on the embeddings: the batch, the loss, and the loop over epsilons and restarts.

A subclass defines only how one restart searches the ball for a point at which the model is wrong.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uegr.errors import UsageError, shown
from uegr.evaluation.attacks.attack_base import BaseAttack
from uegr.evaluation.attacks.attack_results import EmbeddingAttackResult, RobustMask
from uegr.evaluation.attacks.attacked_batch import tensors_of
from uegr.evaluation.attacks.attacked_classes import check_attackable
from uegr.evaluation.attacks.example_draws import example_generators, random_starts
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.model_state import evaluation_mode
from uegr.forward.batch_faults import batch_faults_named, check_batch
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.perturbed_pass import zero_delta
from uegr.modeling.real_tokens import token_mask
from uegr.perturb.ball import Ball, Norm

AttackLoss = Literal["ce", "margin"]


@dataclass
class Queries:
    """Number of passes of single examples through the attacked model: a forward pass is 1, an input-only backward 1."""

    count: int = 0


@dataclass(frozen=True)
class AttackBatch:
    """One batch under attack.

    Args:
        evaluated: the attacked model.
        batch: token ids, masks and "labels" of B examples.
        ball: where a perturbation may lie.
        radius: of the ball of each example, (B, 1, 1).
        mask: 1 on real tokens, (B, T, 1).
        generators: the source of an attack's randomness for each example, on the CPU; see `over_tokens`.
        queries: counts the passes that the attack makes.
    """

    evaluated: EvaluatedModel
    batch: dict[str, Tensor]
    ball: Ball
    radius: Tensor
    mask: Tensor
    generators: Sequence[torch.Generator]
    queries: Queries = field(default_factory=Queries)

    def part(self, rows: Tensor) -> AttackBatch:
        """Some of the examples, by index or bool mask."""
        batch = {key: value[rows] for key, value in self.batch.items()}
        generators = [self.generators[i] for i in torch.arange(len(self.mask))[rows.cpu()].tolist()]
        return replace(self, batch=batch, radius=self.radius[rows], mask=self.mask[rows], generators=generators)

    @torch.no_grad()
    def logits(self, delta: Tensor) -> Tensor:
        """Logits (B, C) at a perturbation (B, T, d): all that a black-box attack may see."""
        self.queries.count += len(delta)
        return self.evaluated.logits(self.batch, delta)

    def differentiate(self, delta: Tensor, loss: AttackLoss) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, C), the loss of each example (B,) and its gradient at a perturbation, (B, T, d)."""
        self.queries.count += 2 * len(delta)
        return self.evaluated.gradient_at(self.batch, delta, partial(self.losses, loss=loss))

    def is_correct(self, logits: Tensor) -> Tensor:
        """Whether each example is correctly classified, (B,), bool."""
        return logits.argmax(dim=-1) == self.batch["labels"]

    def losses(self, logits: Tensor, loss: AttackLoss) -> Tensor:
        """The loss that the attack maximises, (B,).

        "ce" is the cross-entropy in nats; "margin" the largest wrong logit minus the correct one, whose gradient does
        not vanish where the model is certain.
        """
        labels = self.batch["labels"]
        if loss == "ce":
            return self.evaluated.task(self.batch).attack_loss(logits)
        correct = logits.gather(1, labels.unsqueeze(1)).squeeze(1)
        wrong = logits.masked_fill(F.one_hot(labels, logits.shape[1]).bool(), float("-inf"))
        return wrong.amax(dim=1) - correct


@dataclass(frozen=True)
class EmbeddingAttack(BaseAttack):
    """A search for a perturbation of the token embeddings that fools a classifier.

    Args:
        norm, relative: of the ball; see `uegr.perturb.ball.Ball`.
        steps: per restart.
        restarts: the first starts at the centre, the others at random points.
        seed: of the random starts and of other random choices; those of an example depend only on this seed, its index
            in the data (or its row in the batch), the index of the radius and the restart.

    Raises:
        UsageError: an option has the wrong type, or is out of its range.
    """

    norm: Norm = "l2"
    relative: bool = True
    steps: int = 5
    restarts: int = 2
    seed: int = 0

    uses_gradients: ClassVar[bool] = True
    """Whether the search sees gradients of the attacked model; an attack that does not shows whether they mislead."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1 or self.restarts < 1:
            raise UsageError("an attack needs at least one step and one restart.")

    @abstractmethod
    def run_restart(self, attack_batch: AttackBatch, start: Tensor) -> Tensor:
        """Return whether each example is correctly classified at every point that one restart tries, (B,), bool.

        Args:
            attack_batch: examples that are correctly classified so far.
            start: where the search starts, (B, T, d).
        """

    def __call__(
        self, model: nn.Module, batch: Mapping[str, Tensor], epsilons: Sequence[float]
    ) -> EmbeddingAttackResult:
        """Attack one batch of a classifier. The model is left as it was.

        Args:
            model: any module whose forward takes what the batch holds, except the labels, and returns `.logits`.
            batch: "input_ids" and "attention_mask" (B, T), and "labels" (B,), the classes; tensors on any device.
            epsilons: radii of the ball, in its unit and any order; 0 is the clean accuracy.

        Raises:
            UsageError: entries that are not tensors of B rows, no labels, a negative epsilon, a model whose token
                embeddings cannot be found, or one whose outputs are NaN or infinite.
        """
        evaluated, sizes, queries = EvaluatedModel(model), sorted_epsilons(epsilons), Queries()
        tensors = tensors_of(batch, evaluated.device)
        check_batch(tensors, perturbs=True)
        with evaluation_mode(model), batch_faults_named(model, tensors):
            with torch.no_grad():
                classes = evaluated.logits({key: value[:1] for key, value in tensors.items()}).shape[-1]
            check_attackable(model, classes, tensors["labels"].tolist())
            robust = self.robust_mask(evaluated, tensors, sizes, range(len(tensors["labels"])), queries)
        return EmbeddingAttackResult(self.name, tuple(sizes), robust, queries.count)

    def robust_mask(
        self,
        evaluated: EvaluatedModel,
        batch: dict[str, Tensor],
        epsilons: Sequence[float],
        examples: Sequence[int],
        queries: Queries,
    ) -> RobustMask:
        """Whether each example of a batch is correctly classified at each epsilon, shape (epsilons, B).

        The epsilons are in ascending order, and `examples` are the positions among the attacked ones. With epsilon 0
        alone nothing is perturbed, so a model whose embeddings cannot be perturbed is allowed.
        """
        if max(epsilons) == 0.0:
            with torch.no_grad():
                correct = evaluated.clean_logits(batch).argmax(dim=-1) == batch["labels"]
            queries.count += len(correct)
            return correct.repeat(len(epsilons), 1).cpu().numpy()
        ball, scale, mask = Ball(self.norm, self.relative), embedding_scale(evaluated.model), token_mask(batch)
        whole = AttackBatch(evaluated, batch, ball, ball.unit(scale, mask), mask, (), queries)
        centre = zero_delta(batch, scale.width)
        clean = whole.logits(centre)
        evaluated.check_numbers(clean)
        robust = whole.is_correct(clean)
        robust_at = []
        for number, epsilon in enumerate(epsilons):
            for restart in range(self.restarts if epsilon > 0 else 0):
                # Only examples that nothing has fooled yet are attacked again.
                rows = torch.nonzero(robust).squeeze(-1)
                if not len(rows):
                    break
                generators = example_generators(self.seed, examples, number, restart)
                part = replace(whole, radius=epsilon * whole.radius, generators=generators).part(rows)
                start = centre[rows]
                if restart:
                    start = random_starts(ball, part.radius, part.mask, scale.width, part.generators)
                robust[rows] = _one_per_example(self.run_restart(part, start), type(self).__name__, len(rows))
            robust_at.append(robust.clone())
        mask_of_epsilons: RobustMask = torch.stack(robust_at).cpu().numpy()
        return mask_of_epsilons


def _one_per_example(robust: Any, attack: str, examples: int) -> Tensor:
    """What `run_restart` has returned.

    Raises:
        UsageError: it is not a tensor with one truth value per example.
    """
    if not isinstance(robust, Tensor) or robust.dtype != torch.bool or robust.shape != (examples,):
        given = (
            f"one of {robust.dtype} and shape {tuple(robust.shape)}" if isinstance(robust, Tensor) else shown(robust)
        )
        raise UsageError(
            f"{attack}.run_restart() must return a tensor of bool with one value for each of its {examples} examples, "
            f"not {given}: attack_batch.is_correct(logits)."
        )
    return robust


def sorted_epsilons(epsilons: Sequence[float]) -> list[float]:
    """The epsilons in ascending order, each once.

    Raises:
        UsageError: the list is empty, or an epsilon is negative.
    """
    try:
        sizes = [] if isinstance(epsilons, str) else sorted({float(epsilon) for epsilon in epsilons})
    except (TypeError, ValueError):  # one number, or a list of something else
        sizes = []
    if not sizes or not all(0 <= size < math.inf for size in sizes):
        raise UsageError("epsilons must be a list of at least one number, none of them negative, infinite or NaN.")
    return sizes
