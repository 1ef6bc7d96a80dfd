"""Which kind of task a batch is, by the shapes and types of logits and labels and Hugging Face's conventions."""

from collections.abc import Iterable

from torch import Tensor, nn
from transformers import PreTrainedModel

from uegr.errors import UsageError, unknown
from uegr.modeling.model_parts import pretrained_parts
from uegr.modeling.model_wrappers import config_value, unwrap
from uegr.modeling.task_kinds.classification import Classification
from uegr.modeling.task_kinds.label_checks import (
    check_class_weights,
    check_classes,
    check_labels,
    check_multi_label,
    check_numbers,
    check_one_class,
    check_whole,
)
from uegr.modeling.task_kinds.multi_label import MultiLabel
from uegr.modeling.task_kinds.regression import Regression
from uegr.modeling.task_kinds.task_kind import TaskKind
from uegr.modeling.task_kinds.text_generation import CausalGeneration, Generation
from uegr.modeling.task_kinds.tokens import Tokens

KINDS: dict[str, type[TaskKind]] = {
    "classification": Classification,
    "regression": Regression,
    "multi_label": MultiLabel,
    "token": Tokens,
    "seq2seq": Generation,
    "causal_lm": CausalGeneration,
}
"""By the names of `uegr.data.kind.Kind`."""
UNSHIFTED = ("flaubert", "xlm", "xlnet")
"""Families whose language models compare a label with the output at its own place; their classes are named as GPT's."""


def task_kind_of(
    model: nn.Module,
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor | None = None,
    *,
    any_class: bool = False,
) -> TaskKind:
    """The kind of task, with this batch's labels.

    The model's `config.problem_type` decides if it is set. Otherwise one output is regression; floating-point labels of
    the logits' shape are multi-label; whole-number labels are classes, one per example (B,) or one per token (B, T).
    The output of a causal language model at a token is compared with the label of the next token.

    Args:
        model: wrapped or not.
        logits: first dimension B.
        labels: first dimension B.
        class_weights: shape (C,), or None.
        any_class: do not check that labels are classes of the model, for a loss of the user's own that gives them
            a different meaning (ordinal losses have one output fewer than classes).

    Raises:
        UsageError: labels or class weights do not fit the logits; see `label_checks`.
    """
    check_labels(labels, logits)
    batch_size, inner = len(labels), unwrap(model)
    problem_type = _problem_type(inner) if logits.dim() == 2 else None
    if problem_type == "regression" or (problem_type is None and logits.shape[-1] == 1):
        if not any_class:
            check_numbers(labels, logits)
        return Regression(labels.reshape(-1, logits.shape[-1]), None, batch_size)
    classes = logits.shape[-1]
    if class_weights is not None:
        check_class_weights(class_weights, classes)
        class_weights = class_weights.to(logits.device)
    if problem_type == "multi_label_classification" or (problem_type is None and labels.is_floating_point()):
        check_multi_label(labels, logits)
        return MultiLabel(labels.reshape(-1, logits.shape[-1]), class_weights, batch_size)
    if not any_class:
        check_whole(labels)
        check_classes(labels.long(), classes)
    labels = labels.long()
    if labels.dim() == 1 or logits.dim() == 2:
        check_one_class(labels)
        return Classification(labels.reshape(-1), class_weights, batch_size)
    if predicts_the_next_token(_language_model_inside(inner, classes) or inner):
        return CausalGeneration(CausalGeneration.target_labels(labels), class_weights, batch_size)
    return Tokens(labels.reshape(-1), class_weights, batch_size)


def is_one_target_per_example(model: nn.Module, labels: Tensor) -> bool:
    """Whether the numbers of an example are one target (regression, multi-label); known without logits."""
    if labels.is_floating_point():
        return True
    inner = unwrap(model)
    if is_tagger(inner) or has_language_head(inner):
        return False  # a problem_type is then left from another head that the body had before
    return _problem_type(inner) in ("regression", "multi_label_classification")


def is_tagger(model: nn.Module) -> bool:
    """Whether a model, without wrappers, has a head of transformers with an output per token."""
    return type(model).__name__.endswith("ForTokenClassification")


def has_language_head(model: nn.Module) -> bool:
    """Whether a model, without wrappers, predicts tokens."""
    return getattr(model, "get_output_embeddings", lambda: None)() is not None


def _problem_type(model: nn.Module) -> str | None:
    return config_value(model, "problem_type")  # type: ignore[no-any-return]


def predicts_the_next_token(model: nn.Module) -> bool:
    """Whether the labels of a language model are its inputs, which we shift as Hugging Face shifts them.

    The class says so: ...ForCausalLM, or ...ForConditionalGeneration without an encoder (Gemma 3, Qwen2-VL). Older
    classes (GPT2LMHeadModel) name no loss, but have a language model's head on a decoder.
    """
    loss_type = getattr(model, "loss_type", None)
    config = getattr(model, "config", None)
    has_encoder = getattr(config, "is_encoder_decoder", False)
    if loss_type is not None or config is None:
        return loss_type == "ForCausalLM" or (loss_type == "ForConditionalGeneration" and not has_encoder)
    return has_language_head(model) and not has_encoder and getattr(config, "model_type", "") not in UNSHIFTED


def _language_model_inside(model: nn.Module, classes: int) -> nn.Module | None:
    """The only model of transformers in a module of the user's own, if the outputs are as many as its tokens."""
    parts = pretrained_parts(model)
    if isinstance(model, PreTrainedModel) or len(parts) != 1 or config_value(parts[0], "vocab_size") != classes:
        return None
    return parts[0]


def check_loss_options(task: TaskKind, names: Iterable[str]) -> None:
    """Refuse options, of those that a user has set, which the loss of this kind of task would not use.

    Raises:
        UsageError: there is one.
    """
    for name in names:
        if name not in task.loss_options:
            kind = next(kind for kind, of_name in KINDS.items() if type(task) is of_name)
            raise UsageError(
                f"{name} has no effect on the loss of a {kind} task, which the labels or the model's problem_type make "
                "this one: leave it out, or give a loss_fn of your own."
            )


def check_metric(name: str, kind: str) -> None:
    """Refuse a metric that a kind of task does not have.

    Raises:
        UsageError: there is no such kind, or it has no such metric.
    """
    if kind not in KINDS:
        raise unknown("kind of task", kind, KINDS)
    if name not in KINDS[kind].metric_names:
        raise unknown(f"metric of {kind}", name, KINDS[kind].metric_names)
