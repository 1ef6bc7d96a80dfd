"""uegr train --lora_r: only adapters and head are trained, and the run is a plain model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForSequenceClassification

from support.command_line import error_of, run, train_weights
from support.reviews import tokenizer
from uegr.errors import UsageError


def killed(*args: object, **kwargs: object) -> None:
    """The process ends before the trained model is written."""
    raise KeyboardInterrupt


LORA = ["--lora_r", "2", "--lora_target_modules", "query,value"]


def test_the_run_is_a_plain_model_whose_other_weights_are_the_pretrained_ones(
    train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    weights = train_weights("uegr", train_file, model_folder, tmp_path / "run", *LORA)
    pretrained = AutoModel.from_pretrained(model_folder).state_dict()
    assert type(AutoModelForSequenceClassification.from_pretrained(tmp_path / "run")).__name__.startswith("Bert")
    assert not (tmp_path / "run" / "adapter_config.json").exists()
    for name, before in pretrained.items():
        trained = not torch.equal(weights[f"bert.{name}"], before)
        assert trained == name.endswith(("query.weight", "value.weight")), name
    assert run(["evaluate", str(tmp_path / "run"), "--epsilons", "0,0.05", "--attack_examples", "4"]) == 0


def test_an_interrupted_run_with_adapters_is_continued(train_file: Path, model_folder: Path, tmp_path: Path) -> None:
    whole = train_weights("uegr", train_file, model_folder, tmp_path / "whole", *LORA)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(UsageError):  # there is no model to be read yet
        patch.setattr("uegr.runs.train.finish_run", killed)
        train_weights("uegr", train_file, model_folder, tmp_path / "killed", *LORA)
    resumed = train_weights("uegr", train_file, model_folder, tmp_path / "killed", *LORA, "--resume")
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight)


def test_layers_that_are_not_there_are_said(
    train_file: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "--train_file", str(train_file), "--model_name_or_path", str(model_folder)]
    arguments += ["--output_dir", str(tmp_path / "run"), "--lora_r", "2", "--lora_target_modules", "nothing"]
    assert "cannot take these LoRA adapters" in error_of(capsys, arguments)
    assert not (tmp_path / "run").exists()


def test_a_training_does_not_start_from_a_folder_of_adapters(
    train_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are a change of another model's weights."""
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    tokenizer().save_pretrained(tmp_path)
    arguments = ["train", "--model_name_or_path", str(tmp_path), "--train_file", str(train_file)]
    for kind in ("classification", "causal_lm"):
        error = error_of(capsys, [*arguments, "--kind", kind, "--output_dir", str(tmp_path / "run")])
        assert "holds adapters of the model org/base, and not its weights: merge them first" in error
    assert not (tmp_path / "run").exists()
