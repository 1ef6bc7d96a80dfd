"""The loss of a training with each method is the one that Hugging Face's Trainer computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Trainer

from conftest import batch, bert
from support.small_trainer import arguments, rows
from uegr import PlainConfig, RobustTrainerMixin, UEGRConfig, UEGRTrainer


def loss_of_one_step(
    trainer_class: type[Trainer], model: Any, folder: Path, labels: torch.Tensor, size: int, **options: Any
) -> float:
    """The loss that is logged for one step on sixteen examples, in batches of `size`."""
    steps = {"per_device_train_batch_size": size, "gradient_accumulation_steps": 16 // size}
    trainer = trainer_class(
        model, arguments(folder, max_steps=1, logging_steps=1, **steps), train_dataset=rows(16, labels), **options
    )
    trainer.train()
    loss: float = trainer.state.log_history[0]["loss"]
    return loss


@pytest.mark.parametrize("own_loss", [False, True])
def test_logged_terms_are_those_of_the_whole_step(own_loss: bool, tmp_path: Path) -> None:
    """Without divergence UEGR's loss of a step is the sum of two terms, however many batches make it."""

    class ModelLoss(Trainer):
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            output = model(**inputs)
            return (output.loss, output) if return_outputs else output.loss

    class RobustModelLoss(RobustTrainerMixin, ModelLoss):  # type: ignore[misc]
        pass

    trainer_class = RobustModelLoss if own_loss else UEGRTrainer
    clean_losses = []
    for size in (16, 4):
        trainer = trainer_class(
            bert(dropout=0.0),
            arguments(
                tmp_path,
                max_steps=1,
                logging_steps=1,
                per_device_train_batch_size=size,
                gradient_accumulation_steps=16 // size,
            ),
            method=UEGRConfig(js_weight=0.0),
            train_dataset=rows(16),
        )
        trainer.train()
        entry = trainer.state.log_history[0]
        assert entry["pass_loss"] + entry["clean_loss"] == pytest.approx(entry["loss"], rel=1e-4)
        clean_losses.append(entry["clean_loss"])
    assert clean_losses[1] == pytest.approx(clean_losses[0], rel=1e-4)


@pytest.mark.parametrize("kind", ["multi_label", "regression", "classification"])
def test_the_loss_is_that_of_hugging_face_in_one_batch_or_in_several(tmp_path: Path, kind: str) -> None:
    labels = {
        "multi_label": torch.randint(0, 2, (16, 10)).float(),
        "regression": torch.tensor([-100.0, 1.5, 0.2, 3.0] * 4),
        "classification": batch(16)["labels"],
    }[kind]
    outputs = {"multi_label": 10, "regression": 1, "classification": 2}[kind]
    losses = [
        loss_of_one_step(trainer_class, bert(dropout=0.0, labels=outputs), tmp_path, labels, size, **extra)
        for trainer_class, size, extra in (
            (Trainer, 16, {}),
            (UEGRTrainer, 16, {"method": PlainConfig()}),
            (UEGRTrainer, 4, {"method": PlainConfig()}),
        )
    ]
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-3)


@pytest.mark.parametrize("size", [16, 4])
def test_labels_of_zero_and_one_may_be_whole_numbers(tmp_path: Path, size: int) -> None:
    labels = torch.randint(0, 2, (16, 10))
    losses = []
    for of_type in (labels, labels.float()):
        model = bert(dropout=0.0, labels=10, problem_type="multi_label_classification")
        losses.append(loss_of_one_step(UEGRTrainer, model, tmp_path, of_type, size, method=PlainConfig()))
    assert losses[0] == pytest.approx(losses[1])


@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize("kind", ["classification", "multi_label"])
def test_a_compute_loss_func_that_divides_a_sum_trains_as_with_hugging_face(
    kind: str, accumulation: int, tmp_path: Path
) -> None:
    """Steps on 12 examples, where they are accumulated of batches of 8 and 4."""
    function, labels, outputs = {
        "classification": (F.cross_entropy, torch.tensor([0, 1, -100, 1] * 3), 2),
        "multi_label": (F.binary_cross_entropy_with_logits, torch.eye(4).repeat(3, 1), 4),
    }[kind]

    def compute_loss_func(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        loss: Tensor = function(outputs.logits, labels, reduction="sum") / num_items_in_batch
        return loss

    logs, weights = [], []
    for trainer_class, extra in ((Trainer, {}), (UEGRTrainer, {"method": PlainConfig()})):
        trainer = trainer_class(
            bert(dropout=0.0, labels=outputs),
            arguments(
                tmp_path,
                max_steps=2,
                per_device_train_batch_size={1: 12, 2: 8}[accumulation],
                gradient_accumulation_steps=accumulation,
                logging_steps=1,
                optim="sgd",
            ),
            train_dataset=rows(12, labels),
            eval_dataset=rows(12, labels),
            compute_loss_func=compute_loss_func,
            **extra,
        )
        trainer.train()
        weights.append(list(trainer.model.parameters()))
        logs.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
        logs[-1].append(trainer.evaluate()["eval_loss"])
    assert logs[1] == pytest.approx(logs[0], rel=1e-4)
    for weight, expected in zip(*reversed(weights), strict=True):
        torch.testing.assert_close(weight, expected, rtol=1e-4, atol=1e-6)


def test_compute_loss_func_and_label_smoothing_are_the_task_loss_of_the_method(tmp_path: Path) -> None:
    def compute_loss_func(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        return 3.0 * F.cross_entropy(outputs.logits, labels)

    losses = {}
    for name, changes, extra in (
        ("plain", {}, {}),
        ("function", {}, {"compute_loss_func": compute_loss_func}),
        ("smoothed", {"label_smoothing_factor": 0.3}, {}),
    ):
        trainer = UEGRTrainer(
            bert(dropout=0.0),
            arguments(tmp_path, max_steps=1, logging_steps=1, **changes),
            method=PlainConfig(),
            train_dataset=rows(8),
            **extra,
        )
        trainer.train()
        losses[name] = trainer.state.log_history[0]["loss"]
    assert losses["function"] == pytest.approx(3.0 * losses["plain"], rel=1e-3)
    data, model = batch(8), bert(dropout=0.0)
    logits = model(input_ids=data["input_ids"], attention_mask=data["attention_mask"]).logits
    assert losses["smoothed"] == pytest.approx(
        float(F.cross_entropy(logits.detach(), data["labels"], label_smoothing=0.3)), rel=1e-3
    )
