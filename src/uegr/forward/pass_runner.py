"""How the k passes of a step are run: one after another, as one batch, or one in memory at a time.

All runners return the same logits, up to rounding. The readable reference is `OneByOne`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from uegr.forward.joined_passes import NotByRowError, can_be_joined, is_faster_joined, run_joined
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step


@dataclass(frozen=True)
class Pass:
    """One of the k passes.

    Args:
        batch: the input of the pass.
        rate: dropout rate.
        delta: added to the token embeddings of `batch`, (B, T, d).
    """

    batch: Batch
    rate: float
    delta: Tensor | None = None


class PassRunner(ABC):
    """Runs the k passes of a step, each of its own batch."""

    @abstractmethod
    def run(self, model: nn.Module, passes: Sequence[Pass], step: Step) -> list[Tensor]:
        """The logits of each pass; see `forward_pass`. The step has the dropout sites."""


class OneByOne(PassRunner):
    """The passes one after another.

    Args:
        recompute: keep the activations of one pass at a time, for one more forward per pass. Measured on an H200 with
            BERT-base, 32 x 128 tokens: k = 8 takes 2.3 GB instead of 15.9 (benchmarks/results/gpu-passes.json).
    """

    def __init__(self, *, recompute: bool = False) -> None:
        self.recompute = recompute

    def run(self, model: nn.Module, passes: Sequence[Pass], step: Step) -> list[Tensor]:
        return [
            forward_pass(model, p.batch, step, delta=p.delta, rate=p.rate, recompute=self.recompute) for p in passes
        ]


class JoinedWhereFaster(PassRunner):
    """The passes as one batch, if they read the same input and the measured rule says it is faster; else one by one."""

    def __init__(self) -> None:
        self._one_by_one = OneByOne()
        self._can_join = True

    def run(self, model: nn.Module, passes: Sequence[Pass], step: Step) -> list[Tensor]:
        first = passes[0]
        same_input = all(p.batch is first.batch and p.delta is first.delta for p in passes)
        if (
            self._can_join
            and len(passes) > 1
            and same_input
            and step.task_options.compute_loss is None  # a user's loss may compare the examples of a batch
            and is_faster_joined(first.batch)
            and can_be_joined(model, first.batch, len(passes))
        ):
            try:
                rates = [p.rate for p in passes]
                return run_joined(model, first.batch, step, delta=first.delta, rates=rates)
            except NotByRowError:
                self._can_join = False
        return self._one_by_one.run(model, passes, step)
