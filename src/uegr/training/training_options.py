"""The options that every training of the command line has."""

from dataclasses import dataclass
from typing import Literal

from uegr.options import Options, option

Precision = Literal["auto", "fp32", "bf16"]
TRAINER_NAMES = {"num_train_epochs": "epochs", "per_device_train_batch_size": "batch_size"}
"""Name of an option in `transformers.TrainingArguments` -> its name here; all others have the same name."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """The options that `RunConfig` and `HardeningConfig` share; some have another default there."""

    seed: int = option(  # NumPy takes 32 bits
        0, "Random seed of the training subset, data order, new head, dropout and masks.", at_least=0, at_most=2**32 - 1
    )
    epochs: float = option(3.0, "Passes over the training data.", at_least=0)
    max_steps: int = option(-1, "Optimizer steps; above 0 it overrides --epochs.")
    learning_rate: float = option(
        1e-4, "Learning rate of AdamW, with linear warm-up and decay; about 2e-5 for base-size models.", at_least=0
    )
    weight_decay: float = option(0.01, "Weight decay of AdamW.", at_least=0)
    warmup_ratio: float = option(0.06, "Share of the steps used for learning-rate warm-up.", at_least=0, at_most=1)
    batch_size: int = option(32, "Examples per batch.", at_least=1)
    gradient_accumulation_steps: int = option(1, "Batches per optimizer step.", at_least=1)
    precision: Precision = option("auto", "Precision: auto, fp32 or bf16.")
    trust_remote_code: bool = option(False, "Run the Python code that comes with the model.")
    save_steps: int = option(0, "Checkpoint every N steps; 0: after each epoch.", at_least=0)
