"""How much a parameter matters: one non-negative score for each of its elements.

[paper: parameter saliency scores; ours: these three, since the public part of the paper names none.]
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from uegr.modeling.shards import shard

Saliency = Literal["fisher", "gradient", "taylor"]
SECOND_MOMENT = "exp_avg_sq"
"""AdamW's name for its running mean of the squared gradient."""


class SaliencyScores:
    """Scores of some of an optimizer's parameters.

    Args:
        kind: "fisher", the running mean of the squared gradient (empirical Fisher information of the batch
            gradient); "gradient", |g|; "taylor", |theta * g|, the first-order change of the loss if theta
            were set to zero.
        decay: share of the old running mean that "fisher" keeps per step; None takes the plain mean of all steps
            since the last `clear`.

    Attributes:
        means: position among the optimizer's parameters -> running mean of "fisher", unless it is `from_optimizer`.
        from_optimizer: whether "fisher" is read from AdamW's second moment: the same mean with a longer memory (beta2),
            without a second tensor [ours]. Set by the stage, which knows the optimizer.
    """

    def __init__(self, kind: Saliency, decay: float | None = 0.9) -> None:
        self.kind, self.decay = kind, decay
        self.from_optimizer = False
        self.means: dict[int, Tensor] = {}
        self._count = 0

    @property
    def available_between_steps(self) -> bool:
        """Whether a score can be read at any time, and not only while the gradient is available."""
        return self.kind == "fisher"

    def observe(self, parameters: Mapping[int, Tensor]) -> None:
        """Use the gradients of this step; a "fisher" score with a mean of its own keeps them.

        Args:
            parameters: position among the optimizer's parameters -> parameter.
        """
        if self.kind != "fisher" or self.from_optimizer:
            return
        self._count += 1
        decay = 1.0 - 1.0 / self._count if self.decay is None else self.decay
        for i, parameter in parameters.items():
            if parameter.grad is None:
                continue
            gradient = shard(parameter.grad).float()
            mean = self.means[i] if i in self.means else torch.zeros_like(gradient)
            self.means[i] = mean.mul_(decay).addcmul_(gradient, gradient, value=1.0 - decay)

    def score(self, position: int, parameter: Tensor, state: Mapping[str, Any] | None = None) -> Tensor:
        """Scores of the elements of (this process's part of) a parameter, in its shape, float32; zeros at first.

        Args:
            position: of the parameter among the optimizer's.
            parameter: the parameter, with its gradient.
            state: the optimizer's state of the parameter, for a score that is read from it.
        """
        weight = shard(parameter.detach())
        if self.kind == "fisher":
            mean = (state or {}).get(SECOND_MOMENT) if self.from_optimizer else self.means.get(position)
            return (
                torch.zeros_like(weight, dtype=torch.float32) if mean is None else shard(mean).to(weight.device).float()
            )
        if parameter.grad is None:
            return torch.zeros_like(weight, dtype=torch.float32)
        gradient = shard(parameter.grad).float()
        return gradient.abs() if self.kind == "gradient" else (gradient * weight.float()).abs()

    def keep(self, positions: Sequence[int]) -> None:
        """Forget the means of all other parameters: they were frozen, and would begin with an old mean."""
        self.means = {i: mean for i, mean in self.means.items() if i in positions}

    def clear(self) -> None:
        """Begin a new mean."""
        self.means.clear()
        self._count = 0

    def state_dict(self) -> dict[str, Any]:
        return {"means_by_position": dict(self.means), "count": self._count}

    def load_state_dict(self, state: dict[str, Any], observed: Sequence[int]) -> None:
        """Restore what `state_dict` returned.

        Args:
            state: of this version, or of an earlier one, which counted the observed parameters alone.
            observed: positions among the optimizer's parameters of those that an earlier version observed.
        """
        if "means" in state:
            means = {observed[int(i)]: mean for i, mean in state["means"].items()}
        else:
            means = state["means_by_position"]
        self.means = {int(i): mean.clone() for i, mean in means.items()}
        self._count = state["count"]
