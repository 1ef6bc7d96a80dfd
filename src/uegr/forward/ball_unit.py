"""The unit of a perturbation's radius, measured once, and the base of the stages that have a radius."""

from typing import Any

from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.forward_stage import ForwardStage
from uegr.modeling.embeddings import EmbeddingScale, embedding_scale
from uegr.perturb.ball import Ball


class BallUnit:
    """The unit of a ball's radius on one model.

    A relative radius is a multiple of the mean embedding norm (see `Ball`), measured before training changes it.

    Args:
        ball: norm, and whether the radius is relative.
    """

    def __init__(self, ball: Ball) -> None:
        self.ball = ball
        self._scale: EmbeddingScale | None = None

    def attach(self, model: nn.Module) -> None:
        """Measure the model's embeddings."""
        self._scale = embedding_scale(model)

    def scale(self, model: nn.Module) -> EmbeddingScale:
        """The measured scale. It is measured now if the stage is used without a `Method` and was never attached."""
        if self._scale is None:
            self.attach(model)
        assert self._scale is not None
        return self._scale

    def of(self, model: nn.Module, mask: Tensor) -> Tensor:
        """The radius for epsilon = 1, (B, 1, 1).

        Args:
            model: the model whose embeddings are perturbed.
            mask: 1 on real tokens, (B, T, 1).
        """
        return self.ball.unit(self.scale(model), mask)

    def state_dict(self) -> dict[str, Any]:
        return {"scale": None if self._scale is None else {"norm": self._scale.norm, "width": self._scale.width}}

    def check_state_dict(self, state: dict[str, Any]) -> None:
        """Raise a UsageError if the state was measured on embeddings of another width."""
        saved = state.get("scale")
        if saved is not None and self._scale is not None and saved["width"] != self._scale.width:
            raise UsageError(
                f"the saved state is of another model, whose embeddings have width {saved['width']} and not "
                f"{self._scale.width}: load the one that belongs to this one."
            )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._scale = None if state["scale"] is None else EmbeddingScale(**state["scale"])


class BallStage(ForwardStage):
    """A forward stage whose radius has a unit; a subclass sets `unit`."""

    unit: BallUnit

    def attach(self, model: nn.Module) -> None:
        self.unit.attach(model)

    def state_dict(self) -> dict[str, Any]:
        return self.unit.state_dict()

    def check_state_dict(self, state: dict[str, Any]) -> None:
        self.unit.check_state_dict(state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if "scale" in state:  # checkpoints of earlier versions have no scale; `attach` has measured it
            self.unit.load_state_dict(state)
