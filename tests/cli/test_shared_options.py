"""Options that several commands have."""

from __future__ import annotations

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

    def logits(model: EvaluatedModel, batch: dict[str, Any]) -> torch.Tensor:
        if len(batch["input_ids"]) > FITTING:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the documentation.")
        return whole(model, batch)

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
