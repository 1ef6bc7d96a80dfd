"""What Hugging Face's Trainer promises holds for the mixin, too."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor
from torch.utils.data import IterableDataset
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments

from conftest import batch, bert
from uegr import MethodConfig, PlainConfig, RobustTrainerMixin, UEGRConfig, UEGRTrainer, UsageError
from uegr.methods.method_config import METHOD_CONFIG
from uegr.methods.method_lookup import METHODS, make_config


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


@pytest.mark.parametrize("limit", [None, 1, 2])
def test_the_best_checkpoint_is_kept_and_loaded(tmp_path: Path, limit: int | None) -> None:
    """The first evaluation is the best: its checkpoint must survive the later ones, and its weights come back."""
    saved: dict[int, Tensor] = {}

    class Recorded(UEGRTrainer):
        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            before = self.args.output_dir
            super()._save_checkpoint(model, trial)
            assert self.args.output_dir == before
            saved[self.state.global_step] = self.model.classifier.weight.detach().clone()

        def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
            metrics["eval_score"] = -float(self.state.global_step)
            return metrics

    config = UEGRConfig(passes=1)
    trainer = Recorded(
        bert(),
        arguments(
            tmp_path,
            save_strategy="steps",
            eval_strategy="steps",
            save_steps=2,
            eval_steps=2,
            load_best_model_at_end=True,
            metric_for_best_model="score",
            greater_is_better=True,
            save_total_limit=limit,
        ),
        method=config,
        train_dataset=rows(),
        eval_dataset=rows(8),
    )
    trainer.train()
    best = Path(str(trainer.state.best_model_checkpoint))
    assert best == tmp_path / "checkpoint-2"
    assert best.is_dir()
    assert torch.equal(trainer.model.classifier.weight, saved[2])
    assert UEGRConfig.from_pretrained(best) == config
    assert (best / METHOD_CONFIG).is_file()


def test_two_equal_trainings_of_one_trainer_are_equal(tmp_path: Path) -> None:
    """As in a hyperparameter search, which makes model and optimizer again for every trial."""
    weights = []
    trainer = UEGRTrainer(
        args=arguments(tmp_path),
        model_init=lambda trial: bert(),
        method=make_config("roast"),
        train_dataset=rows(),
    )
    for _ in range(2):
        trainer.train()
        weights.append([weight.detach().clone() for weight in trainer.model.parameters()])
    assert all(torch.equal(first, second) for first, second in zip(*weights, strict=True))


def test_a_second_training_steps_the_method_once_per_step(tmp_path: Path) -> None:
    trainer = UEGRTrainer(bert(), arguments(tmp_path), method=make_config("child-tuning-f"), train_dataset=rows())
    for trainings in (1, 2):
        trainer.train()
        assert trainer.method.state_dict()["steps"] == 6 * trainings


def test_early_stopping_of_one_training_does_not_stop_the_next(tmp_path: Path) -> None:
    """The trials of a hyperparameter search share their callbacks."""

    scores = itertools.count(0, -1)
    every_step = {"save_strategy": "steps", "eval_strategy": "steps", "save_steps": 1, "eval_steps": 1}
    best = {"load_best_model_at_end": True, "metric_for_best_model": "score", "greater_is_better": True}
    trainer = UEGRTrainer(
        bert(),
        arguments(tmp_path, **every_step, **best),
        method=PlainConfig(),
        train_dataset=rows(),
        eval_dataset=rows(8),
        compute_metrics=lambda _predictions: {"score": float(next(scores))},
        callbacks=[EarlyStoppingCallback(2)],
    )
    for _ in range(2):
        trainer.train()
        assert trainer.state.global_step == 3


def test_a_mixin_after_the_trainer_is_refused() -> None:
    with pytest.raises(UsageError, match=r"write class Wrong\(RobustTrainerMixin, Trainer\)"):
        type("Wrong", (Trainer, RobustTrainerMixin), {})


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
        assert entry["adversarial_loss"] + entry["clean_loss"] == pytest.approx(entry["loss"], rel=1e-4)
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


class EndlessStream(IterableDataset):  # type: ignore[type-arg]
    """Examples without end."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            yield from rows(8)  # type: ignore[misc]


@pytest.mark.parametrize("name", METHODS)
def test_an_endless_stream_trains_for_max_steps(name: str, tmp_path: Path) -> None:
    trainer = UEGRTrainer(
        bert(), arguments(tmp_path, max_steps=2), method=make_config(name), train_dataset=EndlessStream()
    )
    trainer.train()
    assert trainer.state.global_step == 2


@pytest.mark.parametrize("name", ["plain", "roast", "sam"])
def test_equal_trials_of_a_hyperparameter_search_are_equal(name: str, tmp_path: Path) -> None:
    """With checkpoints: a trial writes into a folder of its own."""
    losses: list[float] = []
    trainer = UEGRTrainer(
        args=arguments(tmp_path, save_strategy="steps", save_steps=3, eval_strategy="steps", eval_steps=3),
        model_init=lambda trial: bert(),
        method=make_config(name),
        train_dataset=rows(),
        eval_dataset=rows(8),
    )

    def objective(metrics: dict[str, float]) -> float:
        losses.append(metrics["eval_loss"])
        return losses[-1]

    trainer.hyperparameter_search(lambda trial: {}, objective, n_trials=2, direction="minimize", backend="optuna")
    assert len(losses) == 4 and losses[:2] == losses[2:]
    assert {folder.name for folder in tmp_path.glob("run-*")} == {"run-0", "run-1"}
    assert (tmp_path / "run-1" / "checkpoint-6" / METHOD_CONFIG).is_file()


def test_options_of_the_method_stand_in_a_hyperparameter_search(tmp_path: Path) -> None:
    """Each trial trains, and saves, the method of its own options; the weights are those of these options alone."""
    tried: list[float] = []

    def method_of(trial: Any) -> MethodConfig:
        tried.append(trial.suggest_float("epsilon", *[(0.01, 0.01), (0.3, 0.3)][trial.number % 2]))
        return UEGRConfig(epsilon=tried[-1])

    trainer = UEGRTrainer(
        args=arguments(tmp_path, save_strategy="steps", save_steps=3, eval_strategy="steps", eval_steps=3),
        model_init=lambda trial: bert(),
        method_init=method_of,
        train_dataset=rows(),
        eval_dataset=rows(8),
    )
    losses: list[float] = []
    trainer.hyperparameter_search(
        lambda trial: {},
        lambda metrics: losses.append(metrics["eval_loss"]) or losses[-1],  # type: ignore[func-returns-value]
        n_trials=3,
        backend="optuna",
    )
    assert tried == [0.01, 0.3, 0.01]
    saved = [
        UEGRConfig.from_pretrained(tmp_path / f"run-{trial}" / "checkpoint-6").epsilon for trial in range(len(tried))
    ]
    assert saved == tried
    first, second, third = losses[1::2]  # of the last evaluation of each trial
    assert first == third != second


@pytest.mark.parametrize("name", ["sam", "uegr", "freelb", "child-tuning-f"])
def test_a_subclass_with_its_own_compute_loss_is_told_so(name: str, tmp_path: Path) -> None:
    class Focal(UEGRTrainer):
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            loss = model(**inputs).loss
            return (loss, None) if return_outputs else loss

    trainer = Focal(bert(), arguments(tmp_path), method=make_config(name), train_dataset=rows())
    with pytest.raises(UsageError, match=r"train without its forward stage.*loss_fn"):
        trainer.train()


@pytest.mark.parametrize("name", ["sam", "rose-first", "r-drop+sam", "uegr"])
def test_fp16_is_refused_where_a_scaler_cannot_scale_the_second_gradient(name: str, tmp_path: Path) -> None:
    config = make_config(name)
    refused = config.create().backward.replays
    with pytest.raises(UsageError, match="bf16 or float32") if refused else nullcontext():
        UEGRTrainer(bert(), arguments(tmp_path, fp16=True), method=config, train_dataset=rows())
    UEGRTrainer(bert(), arguments(tmp_path, bf16=True), method=config, train_dataset=rows())


def test_the_stock_trainer_with_a_wrapped_optimizer_is_told_so(tmp_path: Path) -> None:
    model = bert()
    method = UEGRConfig().attach(model=model, optimizer=torch.optim.AdamW(model.parameters()))
    trainer = Trainer(model, arguments(tmp_path), train_dataset=rows(), optimizers=(method.optimizer, None))
    with pytest.raises(UsageError, match="train without its forward stage"):
        trainer.train()


def test_a_batch_size_that_is_found_steps_the_method_once_per_step(tmp_path: Path) -> None:
    trainer = UEGRTrainer(
        bert(),
        arguments(tmp_path, auto_find_batch_size=True),
        method=make_config("child-tuning-f"),
        train_dataset=rows(),
    )
    attempts = []
    training_step = trainer.training_step

    def fails_once(*args: Any, **kwargs: Any) -> Tensor:
        attempts.append(1)
        if len(attempts) == 3:
            raise RuntimeError("CUDA out of memory.")
        return training_step(*args, **kwargs)

    trainer.training_step = fails_once  # type: ignore[method-assign]
    trainer.train()
    assert trainer.state.global_step == 6
    assert trainer.method.state_dict()["steps"] in (6, 8)
