"""The configuration of one training run: everything that decides its weights."""

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from uegr.data.data_source import DataSource
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.options import option
from uegr.training.training_options import TrainingOptions


@dataclass(frozen=True)
class RunConfig(TrainingOptions):
    """All that decides a training run; its fields are the options of `uegr train`.

    Args:
        data: where the examples come from.
        options: of the method, see `uegr.methods.method_lookup`.
        training_arguments: further fields of `transformers.TrainingArguments`, such as {"lr_scheduler_type": "cosine"}.
        class_weights: "balanced", or one weight per class; see `uegr.data.class_weighting`.
    """

    data: DataSource = field(default_factory=DataSource)
    model: str = option(
        EMBEDDED_MODEL,
        "The embedded default, a folder, a model of the hub, or one from scratch (textcnn, bilstm, transformer).",
    )
    method: str = option("uegr", "Training method; see uegr methods.")
    options: dict[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    max_length: int = option(128, "Truncate texts to N tokens; nothing is padded to it.", at_least=1)
    normalize: tuple[str, ...] = option(
        (), "Undo tricks with characters in the tokenizer itself: nfkc,invisible,confusables,spaced,leet."
    )
    class_weights: Literal["balanced"] | tuple[float, ...] | None = option(
        None, "balanced, or one number per class: 1,5."
    )
    early_stopping_patience: int | None = option(
        None, "Stop after N evaluations without a better validation metric, and keep the best model.", at_least=1
    )
    lora_r: int | None = option(
        None,
        "Train only LoRA adapters of this rank and the head; they are merged at the end.",
        at_least=1,
    )
    lora_alpha: int = option(16, "Scale of the adapters, divided by their rank.", at_least=1)
    lora_dropout: float = option(0.0, "Dropout of the adapters.", at_least=0, below=1)
    lora_target_modules: tuple[str, ...] = option((), "Layers with adapters, such as query,value; default: all linear.")
    training_arguments: dict[str, Any] = field(default_factory=dict)
