"""One pass of a batch through the model: seeded, with its own delta on the embeddings and its own dropout rates."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from uegr.errors import UsageError, shown
from uegr.forward.forward_stage import ForwardStage, Loss
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.model_parts import device_of
from uegr.modeling.model_wrappers import is_compiled
from uegr.modeling.output_logits import logits_of_batch
from uegr.modeling.perturbed_pass import perturbed, zero_delta
from uegr.modeling.task_kinds.own_loss import ComputeLoss, with_loss
from uegr.modeling.token_lookups import LookedUpTokens


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Make the dropout of one pass a function of `seed`; the global generators are restored afterwards."""
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=devices, device_type="cuda" if not devices else device.type):
        set_seed(seed, device)
        yield


def set_seed(seed: int, device: torch.device) -> None:
    """Seed the global generators that a pass on this device draws from."""
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)  # torch.manual_seed takes 1 ms where CUDA was never used
    else:
        torch.manual_seed(seed)


def run_stage(stage: ForwardStage, model: nn.Module, batch: Batch, step: Step) -> Loss:
    """What a forward stage returns, with torch's global generators seeded from the step.

    Passes by `forward_pass` have seeds of their own; a stage of the user's own may run the model differently.
    """
    with seeded(step.generator.initial_seed(), device_of(model, batch)):
        return stage(model, batch, step)


def draw_seed(step: Step) -> int:
    """The seed of the next pass: every pass draws one."""
    return int(torch.randint(2**63 - 1, (), generator=step.generator))


def forward_pass(
    model: nn.Module,
    batch: Batch,
    step: Step,
    *,
    delta: Tensor | None = None,
    rate: float | None = None,
    recompute: bool = False,
) -> Tensor:
    """The logits of one pass, (B, C) or (B, T, C).

    Labels are not given to the model: the loss is computed here, in float32, and not by the model.

    Args:
        model, batch, step: see `ForwardStage.__call__`; the step's generator seeds the dropout of the pass.
        delta: added to the token embeddings, shape (B, T, d).
        rate: of the step's dropout sites in this pass, if it has them; None keeps the model's own rates.
        recompute: keep no activations, and run the pass again in the backward pass.
    """
    seed = draw_seed(step)
    device = device_of(model, batch)

    def run(delta: Tensor | None) -> Tensor:
        at_rate = nullcontext() if step.sites is None else step.sites.at(rate, seed)
        with at_rate, seeded(seed, device):
            return run_model(model, batch, step, delta)

    if not recompute:
        return run(delta)
    logits: Tensor = checkpoint(run, delta, use_reentrant=False, preserve_rng_state=False)  # seeded by the pass itself
    return logits


def run_model(model: nn.Module, batch: Batch, step: Step, delta: Tensor | None) -> Tensor:
    """The logits of one call of the model, with the dropout rates and random state that are set now."""
    if delta is None and step.perturbs and is_compiled(model):
        delta = zero_delta(batch, embedding_width(model))
    with nullcontext() if delta is None else perturbed(model, batch, delta, step.embeddings):
        compute_loss = step.task_options.compute_loss
        return logits_of_batch(model, batch) if compute_loss is None else _own_loss(model, batch, compute_loss)


def _own_loss(model: nn.Module, batch: Batch, compute_loss: ComputeLoss) -> Tensor:
    """The logits that the user's function returns, with its loss attached."""
    result = compute_loss(model, batch.inputs if isinstance(batch, LookedUpTokens) else batch)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise UsageError("compute_loss must return two values: the loss, and the logits or None.")
    loss, logits = result
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        given = f"one of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else shown(loss)
        raise UsageError(f"the loss that compute_loss returns must be a scalar tensor, not {given}: take its mean().")
    return with_loss(logits, loss)
