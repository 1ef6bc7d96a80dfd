"""AutoPGD (Croce & Hein 2020, arXiv 2003.01690): ascent with momentum; the step is halved where progress stops.

    z <- Proj(x + eta g/|g|),   x' <- Proj(x + 0.75 (z - x) + 0.25 (x - x_before))

Eta starts at twice the radius. At each checkpoint the eta of an example is halved, and its search continues from the
best point so far, if fewer than three quarters of the steps since the last checkpoint raised the loss, or if neither
eta nor the best loss has changed since then. Checkpoints come closer and closer. So there is no step size to choose,
and none that a defence can profit from.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from uegr.evaluation.attacks.embedding_attack import AttackBatch, AttackLoss, EmbeddingAttack

MOMENTUM, INCREASING = 0.75, 0.75
"""Weight of the new step, and the share of steps that must raise the loss [both the paper's]."""


@dataclass(frozen=True)
class AutoPGD(EmbeddingAttack):
    """Ascent with momentum and an adaptive step.

    Args, in addition to those of every attack:
        loss: "ce" is the paper's APGD-CE; "margin" [ours, after Carlini & Wagner 2017] is the part of its DLR loss
            that is also defined for two classes.
    """

    steps: int = 20
    loss: AttackLoss = "ce"

    name: ClassVar[str] = "auto-pgd"

    def run_restart(self, attack_batch: AttackBatch, start: Tensor) -> Tensor:
        logits, losses, gradient = attack_batch.differentiate(start, self.loss)
        robust = attack_batch.is_right(logits)
        # One row per example that is still robust; rows of fooled examples are dropped.
        state = {
            "example": torch.arange(len(robust), device=robust.device),
            "x": start,
            "previous_x": start,
            "gradient": gradient,
            "loss": losses,
            "best_x": start,
            "best_gradient": gradient,
            "best_loss": losses,
            "eta": 2.0 * attack_batch.radius,
            "rises": torch.zeros_like(losses),
            "checkpoint_eta": 2.0 * attack_batch.radius,
            "checkpoint_best": losses,
        }
        last_checkpoint, all_checkpoints = 0, checkpoints(self.steps)
        for step in range(1, self.steps + 1):
            state = {name: value[robust[state["example"]]] for name, value in state.items()}
            if not len(state["example"]):
                break
            part = attack_batch.part(state["example"])
            moved = _move(part, state, 1.0 if step == 1 else MOMENTUM)
            logits, losses, gradient = part.differentiate(moved, self.loss)
            robust[state["example"]] = part.is_right(logits)
            state["rises"] = state["rises"] + (losses > state["loss"])
            state |= {"previous_x": state["x"], "x": moved, "gradient": gradient, "loss": losses}
            better = losses > state["best_loss"]
            for name in ("x", "gradient", "loss"):
                value, best = state[name], state[f"best_{name}"]
                state[f"best_{name}"] = torch.where(_expand_like(better, value), value, best)
            if step in all_checkpoints:
                _halve_steps(state, step - last_checkpoint)
                last_checkpoint = step
        return robust


def checkpoints(steps: int) -> set[int]:
    """The steps after which eta may be halved: at 22 % of all, then at distances that fall by 3 % to at least 6 %."""
    percents = [0, 22]
    while percents[-1] < 100:
        percents.append(percents[-1] + max(percents[-1] - percents[-2] - 3, 6))
    return {-(-percent * steps // 100) for percent in percents[1:] if percent <= 100}


def _move(part: AttackBatch, state: dict[str, Tensor], weight: float) -> Tensor:
    z = part.ball.ascend(state["x"], state["gradient"], state["eta"], part.radius, part.mask)
    moved = state["x"] + weight * (z - state["x"]) + (1.0 - weight) * (state["x"] - state["previous_x"])
    return part.ball.project(moved, part.radius) * part.mask


def _halve_steps(state: dict[str, Tensor], steps: int) -> None:
    """Halve eta and go back to the best point where the last `steps` steps made too little progress."""
    too_few_rises = state["rises"] < INCREASING * steps
    unchanged = (state["eta"] == state["checkpoint_eta"]).flatten() & (state["best_loss"] == state["checkpoint_best"])
    halve = too_few_rises | unchanged
    state["checkpoint_eta"], state["checkpoint_best"] = state["eta"], state["best_loss"]
    state["eta"] = torch.where(_expand_like(halve, state["eta"]), state["eta"] / 2.0, state["eta"])
    for name in ("x", "gradient", "loss"):
        state[name] = torch.where(_expand_like(halve, state[name]), state[f"best_{name}"], state[name])
    state["previous_x"] = torch.where(_expand_like(halve, state["x"]), state["x"], state["previous_x"])
    state["rises"] = torch.zeros_like(state["rises"])


def _expand_like(choice: Tensor, values: Tensor) -> Tensor:
    """One bool per row, with the number of dimensions of `values`."""
    return choice.view(-1, *[1] * (values.dim() - 1))
