"""The Trainer door and the loop door on the same small data, with the settings of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import DataCollatorWithPadding, TrainingArguments, get_linear_schedule_with_warmup
from transformers.trainer_pt_utils import get_parameter_names

from support.command_line import BATCH, EPOCHS, RATE, SEED, Weights
from support.reviews import tokenizer
from uegr.data.data_source import DataSource
from uegr.data.encoding import LengthGroupedSampler, encode, lengths_of
from uegr.methods.method_config import MethodConfig
from uegr.methods.method_lookup import make_config
from uegr.modeling.model_loading import load_classifier
from uegr.training.trainer import UEGRTrainer

WARMUP_RATIO, WEIGHT_DECAY = 0.06, 0.01


def encoded(train_file: Path) -> Dataset:
    """The training data of a file, as token ids."""
    rows = DataSource(train_file=str(train_file)).load(SEED)
    return encode(rows.train, tokenizer(), rows.text_columns, 128)


def train_in_own_loop(name: str, train_file: Path, model_folder: Path) -> Weights:
    """The weights after a loop that a user would write."""
    data = encoded(train_file)
    model = load_classifier(str(model_folder), ["0", "1"], SEED).train()
    sampler = LengthGroupedSampler(lengths_of(data), BATCH, SEED)
    loader = DataLoader(data, BATCH, sampler=sampler, collate_fn=DataCollatorWithPadding(tokenizer()))
    steps = len(loader) * EPOCHS
    decayed = set(get_parameter_names(model, [torch.nn.LayerNorm], ["bias"]))
    groups = [
        {"params": [p for n, p in model.named_parameters() if n in decayed], "weight_decay": WEIGHT_DECAY},
        {"params": [p for n, p in model.named_parameters() if n not in decayed], "weight_decay": 0.0},
    ]
    method = make_config(name).attach(
        model=model,
        optimizer=torch.optim.AdamW(groups, lr=RATE, fused=True),
        tokenizer=tokenizer(),
        train_loader=loader,
        seed=SEED,
    )
    schedule = get_linear_schedule_with_warmup(method.optimizer, int(WARMUP_RATIO * steps), steps)
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        for batch in loader:
            method.loss(batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            method.optimizer.step()
            schedule.step()
            method.optimizer.zero_grad()
    return model.state_dict()


def trainer_of(
    config: MethodConfig,
    train_file: Path,
    model_folder: Path,
    folder: Path,
    *,
    trainer_class: type[UEGRTrainer] = UEGRTrainer,
    options: dict[str, Any] | None = None,
    **changes: Any,
) -> UEGRTrainer:
    """A trainer that has not begun; `options` go to the trainer, `changes` to its TrainingArguments."""
    dataset = encoded(train_file)
    arguments: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": EPOCHS,
        "per_device_train_batch_size": BATCH,
        "learning_rate": RATE,
        "weight_decay": WEIGHT_DECAY,
        "warmup_steps": int(WARMUP_RATIO * 12),
        "train_sampling_strategy": "group_by_length",
        "seed": SEED,
        "use_cpu": True,
        "report_to": [],
        "save_strategy": "no",
        "disable_tqdm": True,
        **changes,
    }
    return trainer_class(
        load_classifier(str(model_folder), ["0", "1"], SEED),
        TrainingArguments(**arguments),
        method=config,
        train_dataset=dataset,
        eval_dataset=dataset,
        data_collator=DataCollatorWithPadding(tokenizer()),
        **{"processing_class": tokenizer(), **(options or {})},
    )
