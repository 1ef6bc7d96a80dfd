"""Make the passes of a step: each reads the example itself, an edited text, an adversarial sample, or both."""

from collections.abc import Sequence

from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.model_pass import draw_seed
from uegr.forward.pass_runner import Pass
from uegr.forward.step_inputs import Batch, Step
from uegr.forward.view_reader import ViewedBatch, token_importance
from uegr.perturb.views import View


def can_edit(batch: Batch, step: Step) -> bool:
    """Whether the default views may edit the texts of this batch; see `ViewReader.can_edit`."""
    own_loss = step.task_options.compute_loss is not None
    return step.view_reader is not None and not own_loss and step.view_reader.can_edit(batch)


def read_view(batch: Batch, view: View, step: Step, weights: Tensor | None = None) -> ViewedBatch:
    """A view of the batch in this step; see `ViewReader.read`.

    Raises:
        UsageError: the view edits texts, and the method was attached without a tokenizer.
    """
    if not view.edits:
        return ViewedBatch(batch)
    if step.view_reader is None:
        raise UsageError(
            "views that edit texts need the tokenizer: give it to attach(..., tokenizer=tokenizer), or to the Trainer "
            "as processing_class."
        )
    return step.view_reader.read(batch, view, draw_seed(step), weights)


def make_passes(
    model: nn.Module,
    batch: Batch,
    step: Step,
    views: Sequence[View],
    rates: Sequence[float],
    *,
    delta: Tensor | None = None,
    gradient: Tensor | None = None,
) -> list[Pass]:
    """One pass per view.

    Args:
        model, batch, step: see `ForwardStage.__call__`.
        views: what each pass reads.
        rates: the dropout rate of each pass.
        delta: of the adversary, (B, T, d), for the adversarial views.
        gradient: of the loss at the token embeddings, (B, T, d). If given, half of the words to edit are drawn in
            proportion to their influence on the loss.
    """
    edited = any(view.edits for view in views)
    weights = token_importance(model, batch, gradient) if edited and gradient is not None else None
    passes = []
    for view, rate in zip(views, rates, strict=True):
        view_batch = read_view(batch, view, step, weights)
        view_delta = view_batch.delta_at_kept_tokens(delta) if view.adversarial and delta is not None else None
        passes.append(Pass(view_batch.batch, rate, view_delta))
    return passes
