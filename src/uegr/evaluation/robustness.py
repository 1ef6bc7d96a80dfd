"""The robustness curve: accuracy under embedding PGD at a list of epsilons, in one call.

An example counts as robust at epsilon only if no restart, no step and no smaller epsilon has fooled the model
on it (a smaller ball lies inside a larger one), so the curve never rises. Worst case per example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor

from uegr.errors import UsageError
from uegr.evaluation.subject import Subject
from uegr.forward.adversary import Ball, Norm
from uegr.forward.embeddings import embedding_scale, perturbed, token_mask


@dataclass(frozen=True)
class Attack:
    """Embedding PGD as an evaluation.

    Args:
        norm, relative: of the ball; see `uegr.forward.adversary.Ball`.
        steps: ascent steps a restart, each 2.5/steps of the radius long.
        restarts: the first starts at the centre, the others at random points.
        seed: of the random starts.
    """

    norm: Norm = "l2"
    relative: bool = True
    steps: int = 5
    restarts: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.restarts < 1:
            raise UsageError("an attack needs at least one step and one restart.")


def robustness_curve(
    subject: Subject,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: Attack | None = None,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> dict[str, Any]:
    """Accuracy of `subject` on `rows` at each epsilon.

    Args:
        subject: the model.
        rows: text and "label".
        epsilons: radii, in the unit of the attack's ball, not negative; 0 is the clean accuracy.
        attack: norm, steps and restarts.
        on_batch: told the number of examples done, for a progress bar.

    Returns:
        The "robustness" part of results.json: attack, norm, relative, epsilons in rising order, accuracy as
        fractions, and steps, restarts and examples beside them.
    """
    attack, radii = attack or Attack(), rising(epsilons)
    return describe(attack, radii, survivors(subject, rows, radii, attack, on_batch))


def describe(attack: Attack, radii: Sequence[float], robust: NDArray[np.bool_]) -> dict[str, Any]:
    """The "robustness" part of results.json, from who survived what; see `survivors`."""
    return {
        "attack": "embedding-pgd",
        **asdict(attack),
        "epsilons": list(radii),
        "accuracy": [float(one) for one in robust.mean(axis=1)],
        "examples": robust.shape[1],
    }


def rising(epsilons: Sequence[float]) -> list[float]:
    """The epsilons in rising order, each once.

    Raises:
        UsageError: none is given, or a negative one.
    """
    radii = sorted({float(one) for one in epsilons})
    if not radii or radii[0] < 0:
        raise UsageError("epsilons must be a list of at least one number, none of them negative.")
    return radii


def survivors(
    subject: Subject,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: Attack,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> NDArray[np.bool_]:
    """Which example the model still gets right at which epsilon (rising), shape (len(epsilons), N)."""
    robust = np.zeros((len(epsilons), len(rows)), dtype=bool)
    ball, scale = Ball(attack.norm, attack.relative), embedding_scale(subject.model)
    generator = torch.Generator().manual_seed(attack.seed)
    for positions, batch in subject.batches(rows):
        with torch.no_grad():
            alive = subject.logits(batch).argmax(dim=-1) == batch["labels"]
        for i, epsilon in enumerate(epsilons):
            for restart in range(attack.restarts if epsilon > 0 else 0):
                # Only examples that nothing has fooled yet are attacked again.
                left = torch.nonzero(alive).squeeze(-1)
                if not len(left):
                    break
                part = {key: value[left] for key, value in batch.items()}
                radius = epsilon * ball.unit(scale, token_mask(part))
                random = generator if restart else None
                alive[left] = _held(subject, part, ball, scale.width, radius, attack.steps, random)
            robust[i, positions] = alive.cpu().numpy()
        on_batch(len(positions))
    return robust


def _held(
    subject: Subject,
    batch: dict[str, Tensor],
    ball: Ball,
    width: int,
    radius: Tensor,
    steps: int,
    generator: torch.Generator | None,
) -> Tensor:
    """Which examples are right at the start and after every step of one restart, shape (B,), bool."""
    mask = token_mask(batch)
    shape = torch.Size((*mask.shape[:2], width))
    delta = torch.zeros(shape, device=mask.device)
    if generator is not None:
        delta = ball.random_point(shape, radius, mask, generator)
    held = torch.ones_like(batch["labels"], dtype=torch.bool)
    for step in range(steps + 1):
        # An example that is fooled drops out: there is nothing more to show about it.
        left = torch.nonzero(held).squeeze(-1)
        if not len(left):
            break
        part = {key: value[left] for key, value in batch.items()}
        leaf = delta[left].requires_grad_()
        with torch.enable_grad(), perturbed(subject.model, leaf):
            logits = subject.logits(part)
            loss = F.cross_entropy(logits, part["labels"], reduction="sum")
        held[left] = logits.argmax(dim=-1) == part["labels"]
        if step < steps:
            gradient = torch.autograd.grad(loss, leaf)[0]
            delta[left] = ball.ascend(leaf, gradient, 2.5 / steps * radius[left], radius[left], mask[left])
    return held
