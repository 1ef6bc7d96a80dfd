"""How the k passes of a step are run: one after another, as one batch, or one in memory at a time.

All runners return the same logits, to rounding. The readable reference is `OneByOne`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from uegr.forward.forward_stage import Batch, Step
from uegr.forward.joined_passes import NotByRowError, can_be_joined, is_faster_joined, run_joined
from uegr.forward.model_pass import forward_pass
from uegr.modeling.dropout_sites import DropoutSites


class PassRunner(ABC):
    """Runs several passes of one batch."""

    @abstractmethod
    def run(
        self,
        model: nn.Module,
        batch: Batch,
        step: Step,
        *,
        delta: Tensor | None,
        sites: DropoutSites,
        rates: Sequence[float],
    ) -> list[Tensor]:
        """The logits of each pass; see `forward_pass`. One pass per rate."""


class OneByOne(PassRunner):
    """The passes one after another.

    Args:
        recompute: keep the activations of one pass at a time, for one more forward per pass. Measured on an H200 with
            BERT-base, 32 x 128 tokens: k = 8 takes 2.4 GB in place of 14.8 (benchmarks/results/gpu-passes.json).
    """

    def __init__(self, *, recompute: bool = False) -> None:
        self.recompute = recompute

    def run(
        self,
        model: nn.Module,
        batch: Batch,
        step: Step,
        *,
        delta: Tensor | None,
        sites: DropoutSites,
        rates: Sequence[float],
    ) -> list[Tensor]:
        return [
            forward_pass(model, batch, step, delta=delta, sites=sites, rates=rate, recompute=self.recompute)
            for rate in rates
        ]


class JoinedWhereFaster(PassRunner):
    """The passes as one batch where that is faster by a measured rule, one after another elsewhere."""

    def __init__(self) -> None:
        self._one_by_one = OneByOne()
        self._can_join = True

    def run(
        self,
        model: nn.Module,
        batch: Batch,
        step: Step,
        *,
        delta: Tensor | None,
        sites: DropoutSites,
        rates: Sequence[float],
    ) -> list[Tensor]:
        if self._can_join and len(rates) > 1 and is_faster_joined(batch) and can_be_joined(model, batch, len(rates)):
            try:
                return run_joined(model, batch, step, delta=delta, sites=sites, rates=rates)
            except NotByRowError:
                self._can_join = False
        return self._one_by_one.run(model, batch, step, delta=delta, sites=sites, rates=rates)
