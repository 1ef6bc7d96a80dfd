"""The three doors run the same code: the weights they leave agree to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import DataCollatorWithPadding, TrainingArguments, get_linear_schedule_with_warmup
from transformers.trainer_pt_utils import get_parameter_names

from conftest import reviews, tokenizer
from support.command_line import BATCH, EPOCHS, RATE, SEED, Weights, run, train_weights  # noqa: F401  # run: others
from uegr import METHODS, create_method
from uegr.data.data_source import DataSource
from uegr.data.encoding import LengthGroupedSampler, encode, lengths_of
from uegr.modeling.model_loading import load_classifier
from uegr.training.trainer import UEGRTrainer


def data(train_file: Path) -> Dataset:
    rows = DataSource(train_file=str(train_file)).load(SEED)
    return encode(rows.train, tokenizer(), rows.text_columns, 128)


def own_loop(name: str, train_file: Path, model_folder: Path) -> Weights:
    encoded = data(train_file)
    model = load_classifier(str(model_folder), ["0", "1"], SEED).train()
    sampler = LengthGroupedSampler(lengths_of(encoded), BATCH, SEED)
    loader = DataLoader(encoded, BATCH, sampler=sampler, collate_fn=DataCollatorWithPadding(tokenizer()))
    total = len(loader) * EPOCHS
    decayed = set(get_parameter_names(model, [torch.nn.LayerNorm], ["bias"]))
    groups = [
        {"params": [p for n, p in model.named_parameters() if n in decayed], "weight_decay": 0.01},
        {"params": [p for n, p in model.named_parameters() if n not in decayed], "weight_decay": 0.0},
    ]
    method = create_method(name, seed=SEED, total_steps=total)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(groups, lr=RATE, fused=True), model)
    method.prepare(model, loader)
    schedule = get_linear_schedule_with_warmup(optimizer, int(0.06 * total), total)
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        for batch in loader:
            method.loss(model, batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return model.state_dict()


def trainer(name: str, train_file: Path, model_folder: Path, folder: Path, **changes: Any) -> UEGRTrainer:
    arguments: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": EPOCHS,
        "per_device_train_batch_size": BATCH,
        "learning_rate": RATE,
        "weight_decay": 0.01,
        "warmup_steps": int(0.06 * 12),
        "train_sampling_strategy": "group_by_length",
        "seed": SEED,
        "use_cpu": True,
        "report_to": [],
        "save_strategy": "no",
        "disable_tqdm": True,
        **changes,
    }
    return UEGRTrainer(
        load_classifier(str(model_folder), ["0", "1"], SEED),
        TrainingArguments(**arguments),
        method=create_method(name, seed=SEED),
        train_dataset=data(train_file),
        eval_dataset=data(train_file),
        data_collator=DataCollatorWithPadding(tokenizer()),
    )


@pytest.mark.parametrize("name", METHODS)
def test_doors_agree_to_the_last_bit(name: str, train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    by_trainer = trainer(name, train_file, model_folder, tmp_path / "trainer")
    by_trainer.train()
    doors = {
        "own loop": own_loop(name, train_file, model_folder),
        "trainer": by_trainer.model.state_dict(),
        "command line": train_weights(name, train_file, model_folder, tmp_path / "run"),
    }
    for key, value in doors["own loop"].items():
        for door, weights in doors.items():
            assert torch.equal(weights[key], value), f"{door} differs in {key}"


def test_trainer_evaluates_without_the_method(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    hf_trainer = trainer("uegr", train_file, model_folder, tmp_path)
    hf_trainer.create_optimizer()
    calls = hf_trainer.method.state_dict()["calls"]
    hf_trainer.evaluate()
    assert hf_trainer.method.state_dict()["calls"] == calls


def test_trainer_logs_the_terms_of_the_loss(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    hf_trainer = trainer("uegr", train_file, model_folder, tmp_path, logging_steps=2)
    hf_trainer.train()
    assert {"loss", "adversarial_loss", "clean_loss", "divergence"} <= set(hf_trainer.state.log_history[0])


def test_accumulated_batches_equal_one_large_batch(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """Same examples a step, in one batch and in two: the same weights, where no dropout tells them apart."""
    weights = []
    for size, accumulate in ((8, 1), (4, 2)):
        hf_trainer = trainer(
            "plain",
            train_file,
            model_folder,
            tmp_path / str(size),
            per_device_train_batch_size=size,
            gradient_accumulation_steps=accumulate,
            optim="sgd",
        )
        for module in hf_trainer.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        hf_trainer.train()
        weights.append(hf_trainer.model.state_dict())
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, atol=1e-5, rtol=1e-3)


def test_default_trainer_is_uegr_and_learns(model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    reviews(200).to_csv(path, index=False)
    hf_trainer = trainer("uegr", path, model_folder, tmp_path / "out", num_train_epochs=4)
    hf_trainer.train()
    predicted = hf_trainer.predict(hf_trainer.eval_dataset)
    assert (predicted.predictions.argmax(-1) == predicted.label_ids).mean() > 0.9
