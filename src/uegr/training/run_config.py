"""The configuration of one training run: everything that decides its weights."""

from dataclasses import dataclass, field
from typing import Any, Literal

from uegr.data.data_source import DataSource
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.options import Options, option

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True)
class RunConfig(Options):
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
    seed: int = option(  # NumPy takes 32 bits
        0, "Random seed of the training subset, data order, new head, dropout and masks.", at_least=0, at_most=2**32 - 1
    )
    epochs: float = option(3.0, "Passes over the training data.", at_least=0)
    max_steps: int = option(-1, "Optimizer steps; above 0 it overrides --epochs.")
    learning_rate: float = option(
        1e-4, "Learning rate of AdamW, with linear warm-up and decay; about 2e-5 for base-size models.", at_least=0
    )
    weight_decay: float = option(0.01, "Weight decay of AdamW.", at_least=0)
    warmup_ratio: float = option(0.06, "Share of steps with a rising learning rate.", at_least=0, at_most=1)
    batch_size: int = option(32, "Examples per batch.", at_least=1)
    gradient_accumulation_steps: int = option(1, "Batches per optimizer step.", at_least=1)
    max_length: int = option(128, "Truncate texts to N tokens; nothing is padded to it.", at_least=1)
    normalize: tuple[str, ...] = option(
        (), "Undo tricks with characters in the tokenizer itself: nfkc,invisible,confusables,spaced,leet."
    )
    precision: Precision = option("auto", "Precision: auto, fp32 or bf16.")
    class_weights: Literal["balanced"] | tuple[float, ...] | None = option(
        None, "balanced, or one number per class: 1,5."
    )
    trust_remote_code: bool = option(False, "Run the Python code that comes with the model.")
    save_steps: int = option(0, "Checkpoint every N steps; 0: after each epoch.", at_least=0)
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
