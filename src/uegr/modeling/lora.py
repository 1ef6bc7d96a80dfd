"""LoRA adapters (Hu et al. 2021, arXiv 2106.09685) by peft: only the adapters and a new head are trained."""

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedModel

from uegr.data.kind import Kind
from uegr.errors import UsageError

TASK_TYPES: dict[Kind, str] = {"token": "TOKEN_CLS", "seq2seq": "SEQ_2_SEQ_LM", "causal_lm": "CAUSAL_LM"}
"""peft's names; every other kind is a sequence classifier, whose head is trained whole."""


def with_lora(
    model: PreTrainedModel, kind: Kind, rank: int, alpha: int, dropout: float, target_modules: Sequence[str] = ()
) -> Any:
    """The model with adapters.

    Args:
        model: stays the same object inside.
        kind: the kind of task.
        rank, alpha, dropout: of the adapters.
        target_modules: names of the layers that get adapters; if empty, all linear layers except the head.

    Raises:
        UsageError: peft is not installed, or the model has no such layers.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise UsageError("LoRA needs peft: pip install 'uegr[peft]'.") from None
    config = LoraConfig(
        task_type=TASK_TYPES.get(kind, "SEQ_CLS"),
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=list(target_modules) or "all-linear",
    )
    try:
        return get_peft_model(model, config)
    except (ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UsageError(
            f"{type(model).__name__} cannot take these LoRA adapters ({reason}): name linear layers that it has with "
            "--lora_target_modules, or leave --lora_r out."
        ) from error


def merged(model: Any) -> PreTrainedModel:
    """The plain model with the adapters added to its weights; a model without adapters comes back as it is."""
    plain: PreTrainedModel = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    return plain
