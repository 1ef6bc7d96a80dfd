"""What every forward stage is: a function from a model and a batch to a loss, and a little state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from uegr.errors import UsageError
from uegr.forward.schedule import Schedule
from uegr.modeling.dropout_sites import DropoutSites, Rates
from uegr.modeling.embeddings import SharedEmbeddings, embedding_width, is_compiled, perturbed, unwrap

Batch = Mapping[str, Any]


@dataclass
class Step:
    """Where in the training a forward stage finds itself.

    Args:
        generator: the one source of its randomness, on the CPU; a function of seed, rank and call only, so
            that a resumed run draws what the interrupted one would have drawn.
        step: number of optimizer steps made so far.
        total_steps: number of optimizer steps of the whole training, None where nobody said.
        num_items: number of targets to divide the summed loss by (gradient accumulation over batches of
            unequal size); None divides by the batch's own.
        perturbs: other passes of this training add a delta. A compiled model keeps the graph of its first pass, so
            on such a model every pass then adds one, if only of zeros.
        embeddings: set by a stage that backs all passes of the step together; see `SharedEmbeddings`.
    """

    generator: torch.Generator
    step: int = 0
    total_steps: int | None = None
    num_items: Tensor | int | None = None
    perturbs: bool = False
    embeddings: SharedEmbeddings | None = None


@dataclass
class Loss:
    """What a forward stage returns.

    Args:
        value: the scalar to call backward() on.
        terms: its parts, detached scalars, for logs and figures.
    """

    value: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)


class ForwardStage(ABC):
    """A way to turn a batch into a loss. Stateless stages need only `__call__`."""

    schedule: Schedule = Schedule()
    """Which steps pay for the stage; the others are plain."""

    perturbs: ClassVar[bool] = False
    """Whether any of its passes adds a delta to the token embeddings."""
    needs: ClassVar[str] = ""
    """What a model or a loop must have for it, in words, for `uegr methods`."""

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Take the tokenizer that made the batches, for stages that edit text."""

    def attach(self, model: nn.Module) -> None:
        """Look at the model once, before training, and refuse it early; called when the optimizer is wrapped."""

    @abstractmethod
    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        """The loss of `batch` (a dict with "labels"), with a graph to the model's weights."""

    def cost(self) -> float:
        """Arithmetic of one step, in forward passes: a forward is 1, a full backward 2, an input-only
        backward 1; plain fine-tuning is 3."""
        return 3.0

    def state_dict(self) -> dict[str, Any]:
        """What the stage must remember between steps (tensors and plain numbers)."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""

    def release(self) -> None:
        """Take back what had to stay in the model for the backward pass; called after the optimizer's step."""


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Make the dropout of one pass a function of `seed`; the global generators stay as they were."""
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=devices, device_type="cuda" if not devices else device.type):
        torch.manual_seed(seed)
        yield


def draw_seed(step: Step) -> int:
    """The seed of the next pass: every pass draws one."""
    return int(torch.randint(2**63 - 1, (), generator=step.generator))


def forward_pass(
    model: nn.Module,
    batch: Batch,
    step: Step,
    *,
    delta: Tensor | None = None,
    sites: DropoutSites | None = None,
    rates: Rates | None = None,
) -> Tensor:
    """One pass of the batch's inputs through the model: its logits.

    Labels stay behind: the loss is ours, in float32, whatever the model would have computed.

    Args:
        model, batch, step: as for a stage; the step's generator seeds the dropout of the pass.
        delta: added to the token embeddings, shape (B, T, d).
        sites, rates: dropout rates of the pass; None keeps the model's own.
    """
    seed = draw_seed(step)
    with ExitStack() as contexts:
        if sites is not None:
            contexts.enter_context(sites.at(rates, seed))
        contexts.enter_context(seeded(seed, batch["labels"].device))
        return run(model, batch, step, delta)


def run(model: nn.Module, batch: Batch, step: Step, delta: Tensor | None) -> Tensor:
    """The logits of one call of the model, with whatever dropout and random state stand now; see `forward_pass`."""
    inputs = {key: value for key, value in batch.items() if key != "labels"}
    inner = unwrap(model)
    if hasattr(inner, "prepare_decoder_input_ids_from_labels") and "decoder_input_ids" not in inputs:
        inputs["decoder_input_ids"] = inner.prepare_decoder_input_ids_from_labels(batch["labels"])  # type: ignore[operator]
    if delta is None and step.perturbs and is_compiled(model):
        shape = (*batch["input_ids"].shape[:2], embedding_width(model))
        delta = torch.zeros(shape, device=batch["input_ids"].device)
    with nullcontext() if delta is None else perturbed(model, delta, step.embeddings):
        output = model(**inputs)
    logits = getattr(output, "logits", None)
    if not isinstance(logits, Tensor):
        raise UsageError(
            f"{type(model).__name__} returns no .logits: wrap it so that its forward() returns an object with a "
            "logits attribute, as Hugging Face's heads do."
        )
    return logits
