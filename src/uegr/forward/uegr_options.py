"""The options of UEGR's forward stage."""

from collections.abc import Sequence
from dataclasses import dataclass

from uegr.errors import UsageError
from uegr.options import Options, option
from uegr.perturb.ball import Norm


@dataclass(frozen=True, kw_only=True)
class UEGRForwardOptions(Options):
    """Options of `UEGRForward`."""

    passes: int = option(2, "k, the number of adversarial sub-models", at_least=1)
    dropout: tuple[float, ...] = option(
        (0.1, 0.3), "the k dropout rates, or the two ends of a range that the k passes divide evenly"
    )
    epsilon: float = option(
        0.06, "radius of the embedding perturbation, relative to the mean embedding norm; 0 turns it off", at_least=0
    )
    norm: Norm = option("l2", "l2 per sequence, l2_token per token, or linf per coordinate")
    ascent_steps: int = option(1, "K, the number of steps of projected gradient ascent", at_least=1)
    by_confidence: bool = option(
        True,
        "scale the radius of each example by the model's confidence in its label [ours]; a fixed radius can collapse a "
        "fresh model to a constant prediction",
    )
    js_weight: float = option(1.0, "lambda, the weight of the Jensen-Shannon divergence", at_least=0)
    clean_weight: float = option(
        1.0, "gamma, the weight of the clean loss [ours]; above 0 the clean pass joins the divergence", at_least=0
    )
    reuse: bool = option(
        False, "take the attack's gradient from the clean pass's own backward [ours]: one forward less per step"
    )
    checkpoint_passes: bool = option(False, "keep one pass in memory at a time, for one more forward per pass")

    def check(self) -> None:
        if any(not 0.0 <= rate < 1.0 for rate in self.dropout):
            raise UsageError(f"dropout rates must be at least 0 and below 1, not {self.dropout}.")
        pass_rates(self.dropout, self.passes)
        if self.reuse and (self.clean_weight == 0.0 or self.epsilon == 0.0 or self.checkpoint_passes):
            raise UsageError("reuse needs a clean term and an epsilon above 0, and no checkpoint_passes.")

    def cost(self) -> float:
        """Forward-pass units of a step: a forward is 1, a full backward 2, an input-only backward 1."""
        clean, recompute = self.clean_weight > 0, self.checkpoint_passes
        passes = self.passes * (4.0 if recompute else 3.0)
        if self.epsilon == 0.0:
            return passes + clean * (4.0 if recompute else 3.0)
        return 2.0 * self.ascent_steps + passes + clean * (4.0 if recompute else 2.0) - self.reuse


def pass_rates(dropout: Sequence[float], passes: int) -> list[float]:
    """The dropout rate of each of the k passes [paper: k passes with rates from a range; ours: evenly spread]."""
    if len(dropout) == passes:
        return list(dropout)
    if len(dropout) != 2 or dropout[0] > dropout[1]:
        raise UsageError(
            f"dropout must be one rate for each of the {passes} passes, or a range (low, high), not {tuple(dropout)}."
        )
    low, high = dropout
    if passes == 1:
        return [(low + high) / 2]
    return [low + (high - low) * i / (passes - 1) for i in range(passes)]
