"""The Trainer door: any Trainer with the mixin trains with a method, and evaluates without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments

from support.reviews import reviews
from support.trainers import trainer_of
from uegr import (
    PlainConfig,
    RoASTConfig,
    RobustTrainerMixin,
    SAMConfig,
    TrainingError,
    UEGRConfig,
    UEGRTrainer,
    UsageError,
)
from uegr.methods.method import Method


def test_evaluation_does_not_run_the_method(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    trainer = trainer_of(UEGRConfig(), train_file, model_folder, tmp_path)
    trainer.create_optimizer()
    calls = trainer.method.state_dict()["calls"]
    trainer.evaluate()
    assert trainer.method.state_dict()["calls"] == calls


def test_the_terms_of_the_loss_are_logged(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    trainer = trainer_of(UEGRConfig(), train_file, model_folder, tmp_path, logging_steps=2)
    trainer.train()
    assert {"loss", "pass_loss", "clean_loss", "divergence"} <= set(trainer.state.log_history[0])


def test_of_several_gpus_one_is_used_without_a_launcher(
    train_file: Path,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """nn.DataParallel would give each copy of the model a part of the batch, and the method's delta fits the whole."""
    set_up = TrainingArguments.__post_init__
    monkeypatch.setattr(TrainingArguments, "__post_init__", lambda self: (set_up(self), setattr(self, "_n_gpu", 2))[0])
    trainer = trainer_of(UEGRConfig(), train_file, model_folder, tmp_path)
    assert trainer.args.n_gpu == 1
    assert trainer.get_train_dataloader().batch_sampler.batch_size == trainer.args.per_device_train_batch_size  # type: ignore[union-attr]
    assert "torchrun --nproc_per_node 2" in caplog.text


def test_fp16_of_accelerate_is_seen(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Accelerator, "mixed_precision", "fp16")
    with pytest.raises(UsageError, match="bf16 or float32"):
        trainer_of(SAMConfig(), train_file, model_folder, tmp_path)


def test_accumulated_batches_equal_a_large_batch(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """The same examples per step, in one batch and in two, without dropout."""
    weights = []
    for size, accumulation_steps in ((8, 1), (4, 2)):
        trainer = trainer_of(
            PlainConfig(),
            train_file,
            model_folder,
            tmp_path / str(size),
            per_device_train_batch_size=size,
            gradient_accumulation_steps=accumulation_steps,
            optim="sgd",
        )
        for module in trainer.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        trainer.train()
        weights.append(trainer.model.state_dict())
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, atol=1e-5, rtol=1e-3)


def test_the_default_is_uegr_and_it_learns(model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    reviews(200).to_csv(path, index=False)
    trainer = trainer_of(None, path, model_folder, tmp_path / "out", num_train_epochs=4)  # type: ignore[arg-type]
    assert trainer.method_config == UEGRConfig()
    trainer.train()
    predicted = trainer.predict(trainer.eval_dataset)
    assert (predicted.predictions.argmax(-1) == predicted.label_ids).mean() > 0.9


def test_the_mixin_over_another_trainer_calls_what_that_overrides(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    steps = []

    class Recording(Trainer):
        def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
            steps.append(1)
            return super().training_step(*args, **kwargs)

    class RobustRecording(RobustTrainerMixin, Recording):
        pass

    trainers = [
        trainer_of(UEGRConfig(), train_file, model_folder, tmp_path, trainer_class=trainer_class)  # type: ignore[arg-type]
        for trainer_class in (RobustRecording, UEGRTrainer)
    ]
    for trainer in trainers:
        trainer.train()
    assert len(steps) == trainers[0].state.global_step
    weights, expected = (trainer.model.state_dict() for trainer in trainers)
    assert all(torch.equal(weights[key], value) for key, value in expected.items())


def test_a_trainer_whose_loss_takes_keywords_is_evaluated(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    class Doubled(Trainer):
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
            outputs = model(**inputs)
            return (2.0 * outputs.loss, outputs) if return_outputs else 2.0 * outputs.loss

    class RobustDoubled(RobustTrainerMixin, Doubled):
        pass

    doubled, usual = (
        trainer_of(PlainConfig(), train_file, model_folder, tmp_path, trainer_class=trainer_class)  # type: ignore[arg-type]
        for trainer_class in (RobustDoubled, UEGRTrainer)
    )
    assert doubled.evaluate()["eval_loss"] == pytest.approx(2.0 * usual.evaluate()["eval_loss"])


def test_class_weights_are_an_argument(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """With weight 0 on every class plain fine-tuning has no loss."""
    options = {"class_weights": [0.0, 0.0]}
    trainer = trainer_of(PlainConfig(), train_file, model_folder, tmp_path, options=options, logging_steps=1)
    trainer.train()
    assert {entry["loss"] for entry in trainer.state.log_history if "loss" in entry} == {0.0}


@pytest.mark.parametrize(
    ("changes", "options"),
    [({}, {"class_weights": [1.0, 2.0]}), ({"label_smoothing_factor": 0.1}, {})],
)
def test_an_option_that_compute_loss_func_would_not_use_is_refused(
    changes: dict[str, Any], options: dict[str, Any], train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    options = {**options, "compute_loss_func": lambda outputs, labels, num_items_in_batch: outputs.logits.sum()}
    with pytest.raises(UsageError, match="is the whole loss: put class weights and label smoothing into it"):
        trainer_of(PlainConfig(), train_file, model_folder, tmp_path, options=options, **changes)


@pytest.mark.parametrize("options", [{"class_weights": [1.0, 2.0]}, {"loss_fn": torch.nn.functional.cross_entropy}])
def test_an_option_that_the_trainers_own_loss_would_not_use_is_refused(
    options: dict[str, Any], train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    class Doubled(Trainer):
        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            return 2 * super().compute_loss(*args, **kwargs)

    class RobustDoubled(RobustTrainerMixin, Doubled):
        """The trainer above with a method inside."""

    message = f"{next(iter(options))} would have no effect, because this trainer computes its loss itself"
    with pytest.raises(UsageError, match=message):
        trainer_of(PlainConfig(), train_file, model_folder, tmp_path, trainer_class=RobustDoubled, options=options)  # type: ignore[arg-type]


def test_methods_that_score_first_are_prepared_when_training_begins(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    trainer = trainer_of(RoASTConfig(), train_file, model_folder, tmp_path, max_steps=1)
    assert not trainer.method.backward.prepared
    trainer.train()
    assert trainer.method.backward.prepared


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_lost_stops_the_training(
    bad: float, train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(PlainConfig(), train_file, model_folder, tmp_path)
    loss_of = Method.loss
    monkeypatch.setattr(Method, "loss", lambda *args, **kwargs: loss_of(*args, **kwargs) * bad)
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) at step 1.*learning rate.*bf16=False"):
        trainer.train()


class Trainable(Trainer):
    """A trainer that computes the usual loss itself, and reads its batch by attributes."""

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        assert inputs.input_ids.shape == inputs.attention_mask.shape
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        return (loss, outputs) if return_outputs else loss


class RobustTrainable(RobustTrainerMixin, Trainable):
    """The trainer above with a method inside."""


def test_a_trainer_reads_its_batch_by_attributes(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    robust = trainer_of(UEGRConfig(), train_file, model_folder, tmp_path, trainer_class=RobustTrainable, max_steps=1)  # type: ignore[arg-type]
    robust.train()
    assert robust.state.global_step == 1


def test_a_batch_without_targets_adds_nothing(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """Prompts that were cut before their answer, for example: the mean over no targets is NaN."""
    trainer = trainer_of(UEGRConfig(), train_file, model_folder, tmp_path, trainer_class=RobustTrainable)  # type: ignore[arg-type]
    trainer.create_optimizer()
    batch = next(iter(trainer.get_train_dataloader()))
    batch["labels"] = torch.full_like(batch["labels"], -100)
    loss, _ = trainer._own_loss(trainer.model.train(), batch)
    assert float(loss.detach()) == 0.0
    loss.backward()
    assert all(not weight.grad.any() for weight in trainer.model.parameters() if weight.grad is not None)


def test_a_subclass_gets_the_logits_of_the_first_pass(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    shapes = []

    class Accuracy(UEGRTrainer):
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
            loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
            shapes.append((outputs.logits.shape[0], outputs.logits.requires_grad))
            return (loss, outputs) if return_outputs else loss

    trainer = trainer_of(UEGRConfig(), train_file, model_folder, tmp_path, trainer_class=Accuracy, max_steps=2)
    trainer.train()
    assert set(shapes) == {(trainer.args.per_device_train_batch_size, False)}


def test_evaluation_uses_the_loss_fn_of_the_training(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """Its labels need not be classes of the model, as those of ordinal losses are not."""

    def loss_fn(logits: Tensor, labels: Tensor) -> Tensor:
        return 7.0 + (logits * 0).sum(-1)

    trainer = trainer_of(UEGRConfig(), train_file, model_folder, tmp_path, options={"loss_fn": loss_fn})
    trainer.eval_dataset = trainer.eval_dataset.map(lambda row: {"labels": 2})  # type: ignore[union-attr]
    assert trainer.evaluate()["eval_loss"] == pytest.approx(7.0)
    assert trainer.predict(trainer.eval_dataset).predictions.shape[1] == 2  # type: ignore[arg-type]


def test_evaluation_uses_the_class_weights_of_the_training(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    """The weighted mean divides by the number of targets, so that twice the weights are twice the loss."""
    weighted, usual = (
        trainer_of(PlainConfig(), train_file, model_folder, tmp_path, options={"class_weights": weights}).evaluate()
        for weights in ([2.0, 2.0], None)
    )
    assert weighted["eval_loss"] == pytest.approx(2.0 * usual["eval_loss"])


def test_a_model_whose_forward_names_no_labels_takes_a_loss(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.trainer.find_labels", lambda _model: [])
    options = {"class_weights": [0.0, 0.0]}
    trainer = trainer_of(PlainConfig(), train_file, model_folder, tmp_path, options=options, max_steps=1)
    trainer.train()
    assert not trainer._has_own_loss


def test_patience_of_0_does_not_end_a_training_before_it_begins(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    trainer = trainer_of(PlainConfig(), train_file, model_folder, tmp_path, max_steps=2)
    trainer.add_callback(EarlyStoppingCallback(0))
    trainer.state.max_steps = 2
    assert not trainer._is_over()
