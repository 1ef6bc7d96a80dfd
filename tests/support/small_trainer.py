"""Token ids and arguments of a Trainer that takes a few steps on a CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import TrainingArguments

from support.small_models import batch


def rows(count: int = 32, labels: Any = None) -> Dataset:
    data = batch(count)
    labels = data["labels"] if labels is None else labels
    return Dataset.from_dict({**{name: values.tolist() for name, values in data.items()}, "labels": labels.tolist()})


def arguments(folder: Path, **changes: Any) -> TrainingArguments:
    values: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": 6,
        "per_device_train_batch_size": 8,
        "learning_rate": 0.01,
        "use_cpu": True,
        "report_to": [],
        "save_strategy": "no",
        "disable_tqdm": True,
        **changes,
    }
    return TrainingArguments(**values)
