"""AutoPGD (Croce & Hein 2020, arXiv 2003.01690): ascent with momentum whose step halves where it stops paying.

    z <- Proj(x + eta g/|g|),   x' <- Proj(x + 0.75 (z - x) + 0.25 (x - x_before))

Eta starts at twice the radius. At checkpoints that come ever closer an example's eta is halved, and it goes on from the
best point so far, if fewer than three quarters of the steps since the last one raised the loss, or if neither eta nor
the best loss has changed since then. So there is no step size to choose, and none that a defence can profit from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from uegr.evaluation.attacks.embedding_attack import AttackBatch, AttackLoss, EmbeddingAttack

MOMENTUM, INCREASING = 0.75, 0.75
"""Weight of the new step, and the share of steps that must raise the loss; both the paper's."""


@dataclass(frozen=True)
class AutoPGD(EmbeddingAttack):
    """Args, beside those of every attack:
    loss: "ce" is the paper's APGD-CE; "margin" [ours, after Carlini & Wagner 2017] is the part of its DLR loss
        that exists for two classes, too.
    """

    steps: int = 20
    loss: AttackLoss = "ce"

    name: ClassVar[str] = "auto-pgd"

    def held(self, arena: AttackBatch, start: Tensor) -> Tensor:
        logits, losses, gradient = arena.differentiate(start, self.loss)
        held = arena.right(logits)
        # One row an example that still holds; rows of fooled examples are dropped.
        state = {
            "example": torch.arange(len(held), device=held.device),
            "x": start,
            "before": start,
            "gradient": gradient,
            "loss": losses,
            "best_x": start,
            "best_gradient": gradient,
            "best_loss": losses,
            "eta": 2.0 * arena.radius,
            "rises": torch.zeros_like(losses),
            "eta_then": 2.0 * arena.radius,
            "best_then": losses,
        }
        checkpoint, checks = 0, checkpoints(self.steps)
        for step in range(1, self.steps + 1):
            state = {name: value[held[state["example"]]] for name, value in state.items()}
            if not len(state["example"]):
                break
            part = arena.part(state["example"])
            moved = _move(part, state, 1.0 if step == 1 else MOMENTUM)
            logits, losses, gradient = part.differentiate(moved, self.loss)
            held[state["example"]] = part.right(logits)
            state["rises"] = state["rises"] + (losses > state["loss"])
            state |= {"before": state["x"], "x": moved, "gradient": gradient, "loss": losses}
            better = losses > state["best_loss"]
            for name in ("x", "gradient", "loss"):
                state[f"best_{name}"] = torch.where(_like(better, state[name]), state[name], state[f"best_{name}"])
            if step in checks:
                _check(state, step - checkpoint)
                checkpoint = step
        return held


def checkpoints(steps: int) -> set[int]:
    """The steps after which eta may be halved: at 22 % of all, then each time 3 % less far on, but at least 6 %."""
    percents = [0, 22]
    while percents[-1] < 100:
        percents.append(percents[-1] + max(percents[-1] - percents[-2] - 3, 6))
    return {-(-percent * steps // 100) for percent in percents[1:] if percent <= 100}


def _move(part: AttackBatch, state: dict[str, Tensor], weight: float) -> Tensor:
    z = part.ball.ascend(state["x"], state["gradient"], state["eta"], part.radius, part.mask)
    moved = state["x"] + weight * (z - state["x"]) + (1.0 - weight) * (state["x"] - state["before"])
    return part.ball.project(moved, part.radius) * part.mask


def _check(state: dict[str, Tensor], steps: int) -> None:
    """Halve eta and restart from the best point where the last `steps` steps were in vain."""
    few = state["rises"] < INCREASING * steps
    stuck = (state["eta"] == state["eta_then"]).flatten() & (state["best_loss"] == state["best_then"])
    halve = few | stuck
    state["eta_then"], state["best_then"] = state["eta"], state["best_loss"]
    state["eta"] = torch.where(_like(halve, state["eta"]), state["eta"] / 2.0, state["eta"])
    for name in ("x", "gradient", "loss"):
        state[name] = torch.where(_like(halve, state[name]), state[f"best_{name}"], state[name])
    state["before"] = torch.where(_like(halve, state["x"]), state["x"], state["before"])
    state["rises"] = torch.zeros_like(state["rises"])


def _like(choice: Tensor, values: Tensor) -> Tensor:
    return choice.view(-1, *[1] * (values.dim() - 1))
