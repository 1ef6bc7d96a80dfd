"""The configuration of one training run: everything that decides its weights."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from uegr.data.data_source import DataSource
from uegr.errors import UsageError
from uegr.modeling.model_loading import EMBEDDED_MODEL
from uegr.training.precision import check_precision

RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32 - 1),  # what NumPy takes
    "epochs": (0, math.inf),
    "learning_rate": (0, math.inf),
    "weight_decay": (0, math.inf),
    "warmup_ratio": (0, 1),
    "batch_size": (1, math.inf),
    "gradient_accumulation_steps": (1, math.inf),
    "max_length": (1, math.inf),
    "save_steps": (0, math.inf),
}
"""Smallest and largest value of the numbers of a `RunConfig`."""


@dataclass(frozen=True)
class RunConfig:
    """All that decides a training run.

    Args:
        data: where the examples come from.
        model: the embedded default, a folder, a hub name, or a model trained from scratch (textcnn, bilstm,
            transformer) with a tokenizer learned from the training texts.
        method, options: see `uegr.methods.registry`.
        seed: of the training subset, the new head, the data order, dropout and masks.
        epochs, max_steps: length of the training; max_steps above 0 overrides epochs.
        learning_rate, weight_decay, warmup_ratio: AdamW with linear warm-up and decay. 1e-4 suits small
            encoders such as the default; base-size models need about 2e-5.
        batch_size, gradient_accumulation_steps: a step uses their product of examples.
        max_length: texts are cut to this number of tokens; nothing is padded to it.
        precision: "auto", "fp32" or "bf16".
        class_weights: "balanced", or one weight per class; see `uegr.data.class_weighting`.
        save_steps: number of steps between two checkpoints; 0 writes one at the end of each epoch.

    Raises:
        UsageError: a number with which nothing can be trained.
    """

    data: DataSource = field(default_factory=DataSource)
    model: str = EMBEDDED_MODEL
    method: str = "uegr"
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    epochs: float = 3.0
    max_steps: int = -1
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup_ratio: float = 0.06
    batch_size: int = 32
    gradient_accumulation_steps: int = 1
    max_length: int = 128
    precision: str = "auto"
    class_weights: Literal["balanced"] | tuple[float, ...] | None = None
    save_steps: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not (low <= value <= high and math.isfinite(value)):
                allowed = f"at least {low}" if high == math.inf else f"between {low} and {high}"
                raise UsageError(f"{name} must be {allowed}, not {value}.")
        check_precision(self.precision)
