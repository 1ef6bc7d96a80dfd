from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import SequentialSampler
from transformers import AutoModelForSequenceClassification, ByT5Tokenizer

from conftest import reviews
from support.small_models import bert, encoder_decoder
from support.small_runs import COST, config, weights
from support.tokenizers_of_every_kind import make_tokenizer
from uegr import TrainingError, UsageError
from uegr.data.data_source import DataSource
from uegr.runs import train as train_module
from uegr.runs.evaluate import evaluate_run
from uegr.runs.train import train_run
from uegr.training import train_to_end
from uegr.training.processor import processor_name
from uegr.training.run_config import RunConfig


def test_a_run_may_be_in_another_thread(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """As in Streamlit or a Celery worker, where Python sets no handlers of signals."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(train_run, config(train_file, model_folder), tmp_path / "run", cost=COST).result()
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_finished_run_is_an_untouched_hugging_face_model(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = train_run(config(train_file, model_folder), folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    fresh = AutoModelForSequenceClassification.from_pretrained(model_folder)
    assert list(model.state_dict()) == list(fresh.state_dict())
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [
        m.p for m in fresh.modules() if isinstance(m, nn.Dropout)
    ]
    assert model.config.id2label == {0: "0", 1: "1"}
    assert json.loads((folder / "run.json").read_text())["finished"] is True
    assert run["train_examples"] == 49
    assert run["cost"]["flop_ratio"] > 1.5
    assert run["cost"]["processor"] == processor_name()
    assert not list(folder.glob("checkpoint-*"))
    assert not (folder / ".partial").exists()
    assert json.loads((folder / "training_log.json").read_text())[0]["divergence"] >= 0


def test_a_run_records_the_views_that_it_read(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    """With a tokenizer that cannot edit texts, the default reads no misspelt text."""
    bert(vocab_size=400).save_pretrained(tmp_path / "bytes")
    ByT5Tokenizer().save_pretrained(tmp_path / "bytes")
    for folder, views in ((model_folder, ("adversarial", "characters+mask")), (tmp_path / "bytes", ("adversarial",))):
        run = train_run(config(train_file, folder, max_steps=1), tmp_path / f"run-{folder.name}", cost=COST)
        assert tuple(run["views"]) == views


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_text_may_contain_the_end_token_that_the_head_looks_for(split: str, tmp_path: Path) -> None:
    words = make_tokenizer("byte-level")
    encoder_decoder("bart", words).save_pretrained(tmp_path / "bart")
    words.save_pretrained(tmp_path / "bart")
    files = {f"{name}_file": str(tmp_path / f"{name}.csv") for name in ("train", "validation", "test")}
    for name in ("train", "validation", "test"):
        rows = reviews(12)
        rows.loc[3, "text"] += " [SEP] film" if name == split else ""
        rows.to_csv(files[f"{name}_file"], index=False)
    settings = config(Path(), tmp_path / "bart", data=DataSource(**files), method="plain", early_stopping_patience=1)
    train_run(settings, tmp_path / "run", cost=COST)
    assert (tmp_path / "run" / "model.safetensors").is_file()


@pytest.mark.parametrize("lora_r", [None, 2])
def test_a_run_is_complete_where_the_memory_is_too_small_to_measure_a_step(
    lora_r: int | None,
    train_file: Path,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder, trainers, was_saved = tmp_path / "run", [], []

    def run_trainer(trainer: Any, *rest: Any) -> Any:
        trainers.append(trainer)
        return train_to_end.run_trainer(trainer, *rest)

    def measure_cost(*_arguments: Any, **_options: Any) -> dict[str, Any]:
        assert not trainers[0].optimizer.state, "its memory is needed"
        was_saved.append((folder / "model.safetensors").exists())
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(train_module, "run_trainer", run_trainer)
    monkeypatch.setattr(train_module, "measure_cost", measure_cost)
    run = train_run(config(train_file, model_folder, max_steps=2, lora_r=lora_r), folder)
    assert was_saved == [lora_r is None], "adapters are gone once the model is saved"
    assert set(run["cost"]) == {"peak_memory", "seconds", "processor"}
    written = json.loads((folder / "run.json").read_text())
    assert written["finished"] and written["cost"] == run["cost"]
    assert [record.message.partition(",")[0] for record in caplog.records if record.name == "uegr"] == [
        "The cost of a step was not measured"
    ]
    result = evaluate_run(folder, epsilons=[0.0])
    assert result.cost.flop_ratio is None
    assert "FLOPs of a step" not in (folder / "README.md").read_text()


def test_a_fault_in_measuring_a_step_loses_no_run(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure_cost(*_arguments: Any, **_options: Any) -> dict[str, Any]:
        raise RuntimeError("a fault")

    monkeypatch.setattr(train_module, "measure_cost", measure_cost)
    with pytest.raises(RuntimeError, match="a fault"):
        train_run(config(train_file, model_folder, max_steps=2), tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["finished"]
    assert weights(tmp_path / "run")


def test_the_peak_memory_is_that_of_the_training(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that of the copies that the cost of a step is measured on, nor of what the process did before."""
    events: list[str] = []
    monkeypatch.setattr(train_module, "reset_peak_memory", lambda: events.append("reset"))
    monkeypatch.setattr(train_module, "peak_memory", lambda: events.append("peak") or 7)
    monkeypatch.setattr(train_module, "measure_cost", lambda *_, **__: events.append("measure") or dict(COST))
    configuration = config(train_file, model_folder, max_steps=1)
    run = train_run(configuration, tmp_path / "run", on_step=lambda *_: events.append("step"))
    assert events == ["reset", "step", "peak", "measure"]
    assert run["cost"]["peak_memory"] == 7 and run["cost"]["flop_ratio"] == 1.0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["cost"] == run["cost"]


def test_finished_run_is_never_lost_by_accident(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    folder, configuration = tmp_path / "run", config(train_file, model_folder, max_steps=2)
    train_run(configuration, folder, cost=COST)
    before = (folder / "model.safetensors").read_bytes()
    for resume in (False, True):
        with pytest.raises(UsageError, match="finished run"):
            train_run(configuration, folder, resume=resume)
    assert (folder / "model.safetensors").read_bytes() == before
    train_run(configuration, folder, overwrite=True, cost=COST)
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty"):
        train_run(configuration, precious, overwrite=True)
    assert (precious / "chapter.txt").exists()
    (tmp_path / "hardened").mkdir()
    (tmp_path / "hardened" / "hardening.json").write_text("{}")
    for precious in (model_folder, tmp_path / "hardened"):
        with pytest.raises(UsageError, match="holds another model or run: choose another --output_dir"):
            train_run(configuration, precious)
    (tmp_path / "logged").mkdir()
    (tmp_path / "logged" / "log.txt").write_text("the shell writes its log into the folder")
    train_run(configuration, tmp_path / "logged", cost=COST)


@pytest.mark.parametrize(("metric", "lower"), [("accuracy", False), ("mse", True)])
def test_early_stopping_reads_the_metric_at_every_checkpoint(
    metric: str, lower: bool, train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best checkpoint is that of the best metric; validation rows come in their order."""
    seen: list[Any] = []

    def stops(trainer: Any, *_: Any) -> Any:
        seen.append((trainer.args, trainer.get_eval_dataloader().sampler))
        raise InterruptedError

    monkeypatch.setattr(train_module, "run_trainer", stops)
    kind = "regression" if lower else "classification"
    options = {"save_steps": 3, "early_stopping_patience": 1}
    data = DataSource(train_file=str(train_file), kind=kind, metric=metric)
    with pytest.raises(InterruptedError):
        train_run(RunConfig(data, model=str(model_folder), method="plain", epochs=4.0, **options), tmp_path / "run")
    ((arguments, sampler),) = seen
    assert arguments.eval_steps == arguments.save_steps == 3
    assert arguments.greater_is_better is not lower
    assert isinstance(sampler, SequentialSampler)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_lost_loss_stops_training_and_keeps_checkpoints(
    bad: float, train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from uegr.methods.method import Method

    original = Method.loss

    def lose(self: Method, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = original(self, *args, **kwargs)
        return loss * bad if self.state_dict()["steps"] == 8 else loss

    monkeypatch.setattr(Method, "loss", lose)
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) at step 9.*learning rate"):
        train_run(config(train_file, model_folder), tmp_path / "run", cost=COST)
    assert (tmp_path / "run" / "checkpoint-7" / "model.safetensors").exists()
    monkeypatch.undo()
    train_run(config(train_file, model_folder), tmp_path / "run", resume=True, cost=COST)


def test_bf16_run_trains(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    run = train_run(config(train_file, model_folder, precision="bf16", max_steps=3), tmp_path / "run")
    assert run["cost"]["seconds"] > 0
    assert weights(tmp_path / "run")["classifier.weight"].dtype == torch.float32


def test_balanced_class_weights_are_those_of_the_counts(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    def trained(name: str, class_weights: Any) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        changes = {"method": "plain", "max_steps": 2, "class_weights": class_weights}
        run = train_run(config(train_file, model_folder, **changes), tmp_path / name, cost=COST)
        return run, weights(tmp_path / name)

    run, balanced = trained("balanced", "balanced")
    counts = run["data"]["classes"]
    _, explicit = trained("explicit", (49 / (2 * counts["0"]), 49 / (2 * counts["1"])))
    _, unweighted = trained("unweighted", None)
    assert all(torch.equal(balanced[key], explicit[key]) for key in balanced)
    assert not all(torch.equal(balanced[key], unweighted[key]) for key in balanced)
    saved = AutoModelForSequenceClassification.from_pretrained(tmp_path / "balanced").config
    assert not hasattr(saved, "class_weights"), "they belong to the training, not to the model"


def test_words_that_the_model_reads_no_token_of_are_reported(model_folder: Path, tmp_path: Path) -> None:
    rows = [{"words": ["good", "\u200b", "film"], "tags": ["O", "B-x", "O"]}] * 20
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = DataSource(train_file=str(tmp_path / "a.jsonl"), text_column="words", label_column="tags", kind="token")
    options: dict[str, Any] = {"max_steps": 1, "normalize": ("invisible",)}
    run = train_run(RunConfig(data=source, model=str(model_folder), method="plain", **options), tmp_path / "run")
    (finding,) = (finding for finding in run["data"]["findings"] if finding["kind"] == "no_token")
    assert finding["count"] == run["train_examples"] and "no token of their own" in finding["message"]


def test_a_length_at_which_no_text_is_left_is_refused_before_the_training(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    config = RunConfig(DataSource(train_file=str(train_file)), str(model_folder), max_length=2)
    with pytest.raises(UsageError, match="texts cannot be cut to 2 tokens: give a max_length of at least 3"):
        train_run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
