"""Options that several commands have."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from support.command_line import error_of, run
from uegr.evaluation.evaluated_model import EvaluatedModel

FITTING = 4
"""Texts at once that the memory of the test has room for."""


def test_a_smaller_batch_size_measures_where_the_memory_is_small(
    evaluated_run: Path,
    train_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = EvaluatedModel.logits

    def logits(model: EvaluatedModel, batch: dict[str, Any], delta: torch.Tensor | None = None) -> torch.Tensor:
        if len(batch["input_ids"]) > FITTING:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the documentation.")
        return whole(model, batch, delta)

    monkeypatch.setattr(EvaluatedModel, "logits", logits)
    policy = tmp_path / "policy.yaml"
    policy.write_text("minimum: {accuracy: 0.0}\n")
    folder, file, output = str(evaluated_run), str(train_file), str(tmp_path / "predicted.csv")
    commands = (
        ["evaluate", folder, "--epsilons", "0"],
        ["attack", folder, "--attack", "random-search", "--epsilons", "0.1", "--examples", "8", "--steps", "2"],
        ["analyse", folder, "--parts", "calibration"],
        ["evaluate", folder, "--test_file", file],
        ["predict", folder, "--file", file, "--output", output],
        ["gate", folder, "--policy", str(policy), "--file", file, "--output_dir", str(tmp_path / "gate")],
    )
    for command in commands:
        capsys.readouterr()
        assert "give a smaller --batch_size" in error_of(capsys, command)
        assert run([*command, "--batch_size", str(FITTING)]) == 0


def test_code_of_a_run_is_run_by_the_flag_only(
    evaluated_run: Path, train_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A stranger's run.json may say that its model's code was trusted; that is not for the stranger to say."""
    trace = tmp_path / "ran"
    code = f"open({str(trace)!r}, 'w').close()\nfrom transformers import BertConfig, BertForSequenceClassification\n"
    code += "class Config(BertConfig): ...\nclass Model(BertForSequenceClassification):\n    config_class = Config\n"
    (evaluated_run / "custom.py").write_text(code)
    auto = {"AutoConfig": "custom.Config", "AutoModelForSequenceClassification": "custom.Model"}
    for name, part, changes in (
        ("config.json", None, {"model_type": "custom-kind", "auto_map": auto}),
        ("run.json", "config", {"trust_remote_code": True}),
    ):
        content = json.loads((evaluated_run / name).read_text())
        (content if part is None else content[part]).update(changes)
        (evaluated_run / name).write_text(json.dumps(content))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    policy = tmp_path / "policy.yaml"
    policy.write_text("minimum: {accuracy: 0.0}\n")
    folder, file = str(evaluated_run), str(train_file)
    predicting = ["predict", folder, "--file", file, "--output", str(tmp_path / "predicted.csv")]
    commands = (
        ["evaluate", folder, "--epsilons", "0"],
        ["evaluate", folder, "--test_file", file],
        ["attack", folder, "--attack", "deepwordbug", "--examples", "2"],
        ["analyse", folder, "--parts", "calibration"],
        ["gate", folder, "--policy", str(policy), "--file", file, "--output_dir", str(tmp_path / "gate")],
        ["playground", folder, "--no_open"],
        predicting,
    )
    for command in commands:
        capsys.readouterr()
        message = error_of(capsys, command)
        assert "needs Python code that comes with it, which is not run: add --trust_remote_code" in message
    assert not trace.exists()
    assert run([*predicting, "--trust_remote_code"]) == 0
    assert trace.exists()


def test_a_run_that_cannot_be_written_is_refused_before_it_is_measured(
    evaluated_run: Path, train_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(*_: Any) -> torch.Tensor:
        raise AssertionError("measured before it is refused")

    monkeypatch.setattr(EvaluatedModel, "logits", measure)
    access = os.access
    monkeypatch.setattr(
        "os.access", lambda path, mode, **_: access(path, mode) and (path, mode) != (evaluated_run, os.W_OK)
    )
    folder = str(evaluated_run)
    for command in (
        ["evaluate", folder, "--on_examples", "2", "--test_file", str(train_file)],
        ["evaluate", folder],
        ["attack", folder, "--attack", "typos"],
        ["analyse", folder, "--parts", "calibration"],
    ):
        capsys.readouterr()
        assert "cannot be written, and the results are written there: measure a copy of the run" in error_of(
            capsys, command
        )
