"""What Hugging Face's Trainer promises holds for the mixin, too."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import IterableDataset
from transformers import EarlyStoppingCallback, Trainer

from conftest import bert
from support.small_trainer import arguments, rows
from uegr import MethodConfig, PlainConfig, RobustTrainerMixin, UEGRConfig, UEGRTrainer, UsageError
from uegr.methods.method_config import METHOD_CONFIG
from uegr.methods.method_lookup import METHODS, make_config


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
