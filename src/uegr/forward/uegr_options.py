"""The options of UEGR's forward stage."""

from dataclasses import dataclass
from typing import ClassVar

from uegr.errors import UsageError
from uegr.forward.view_options import ViewOptions
from uegr.options import option
from uegr.perturb.ball import Norm
from uegr.perturb.views import ADVERSARIAL

AUTO, AUTO_EDITS = "auto", "characters+mask"
"""Edits that need no list of words, so that a training reads the same texts on every machine and in any language."""


@dataclass(frozen=True, kw_only=True)
class UEGRForwardOptions(ViewOptions):
    """Options of `UEGRForward`."""

    max_views: ClassVar[int | None] = None
    shares_one_view: ClassVar[bool] = False
    has_adversary: ClassVar[bool] = True

    views: tuple[str, ...] = option(
        (AUTO,),
        "what each of the k passes reads: adversarial, characters, words, mask, tokens, clean, any perturbation, or "
        "several joined by +; with fewer views than passes they are used again from the start; auto: adversarial and "
        "characters+mask, or only adversarial with one pass or where texts cannot be edited (no fast tokenizer, one "
        "label per token) [ours]",
    )
    passes: int = option(2, "k, the number of sub-models", at_least=1)
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
        "new model to a constant prediction",
    )
    js_weight: float = option(1.0, "lambda, the weight of the Jensen-Shannon divergence", at_least=0)
    clean_weight: float = option(
        1.0, "gamma, the weight of the clean loss [ours]; above 0 the clean pass joins the divergence", at_least=0
    )
    detach_clean: bool = option(
        False,
        "treat the clean output as a constant in the divergence, so that only the other passes move towards it "
        "[ours]; with clean_weight 0 it joins the divergence, too, and needs no backward pass",
    )
    reuse: bool = option(
        False,
        "one backward pass of the clean pass gives its weight gradients and the attack's gradient [ours]: one "
        "input-only backward less; the clean output is a constant in the divergence",
    )
    checkpoint_passes: bool = option(False, "keep one pass in memory at a time, for one more forward per pass")

    def check(self) -> None:
        if any(not 0.0 <= rate < 1.0 for rate in self.dropout):
            raise UsageError(f"dropout rates must be at least 0 and below 1, not {self.dropout}.")
        self.pass_rates()  # refuses rates that do not fit the number of passes
        if self.views != (AUTO,) and any(AUTO in view.split("+") for view in self.views):
            raise UsageError(f"the view {AUTO} cannot be combined with others: write views={AUTO}, or name every view.")
        if len(self.views) > self.passes:
            raise UsageError(f"{len(self.views)} views for {self.passes} passes: give passes={len(self.views)}.")
        if self.reuse and not (self.clean_weight > 0 and self.is_adversarial() and not self.checkpoint_passes):
            raise UsageError(
                "reuse needs a clean_weight and an epsilon above 0, an adversarial view, and no checkpoint_passes: "
                "change these, or leave reuse out."
            )

    def written_views(self, editable: bool = True) -> tuple[str, ...]:
        if self.views != (AUTO,):
            return self.views
        return (ADVERSARIAL, AUTO_EDITS) if editable and self.passes > 1 else (ADVERSARIAL,)

    def pass_rates(self) -> list[float]:
        """The dropout rate of each of the k passes [paper: rates from a range; ours: evenly spread]."""
        if len(self.dropout) == self.passes:
            return list(self.dropout)
        if len(self.dropout) != 2 or self.dropout[0] > self.dropout[1]:
            raise UsageError(
                f"dropout must be one rate for each of the {self.passes} passes, or a range (low, high), not "
                f"{tuple(self.dropout)}."
            )
        low, high = self.dropout
        if self.passes == 1:
            return [(low + high) / 2]
        return [low + (high - low) * i / (self.passes - 1) for i in range(self.passes)]

    def is_adversarial(self) -> bool:
        """Whether a pass reads adversarial embeddings."""
        return self.epsilon > 0.0 and any(view.adversarial for view in self.view_of_each_pass(self.passes))

    def counts_clean(self) -> bool:
        """Whether the output of the clean pass is in the loss."""
        return self.clean_weight > 0 or self.detach_clean

    def cost(self) -> float:
        """Forward-pass units of a step: a forward is 1, a full backward 2, an input-only backward 1.

        Edited texts are longer than the original; that is not counted here but measured (see `measure_cost`).
        """
        whole = 4.0 if self.checkpoint_passes else 3.0  # a forward, once more if recomputed, and a full backward
        cost = self.passes * whole
        if not self.is_adversarial():
            return cost + (whole if self.clean_weight > 0 else float(self.detach_clean))
        cost += 2.0 * self.ascent_steps
        if self.clean_weight > 0:
            cost += 4.0 if self.checkpoint_passes else 2.0  # the forward of the first ascent step is the clean pass
        return cost - self.reuse
