"""uegr gate on anybody's checkpoint."""

import json
from pathlib import Path

import pandas as pd
import pytest

from conftest import tokenizer
from support.command_line import error_of, run
from support.small_models import bert


def test_the_command_on_anybodys_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = bert()
    model.config.id2label, model.config.label2id = {0: "ham", 1: "spam"}, {"ham": 0, "spam": 1}
    model.save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    labelled = pd.DataFrame({"text": ["good film", "bad plot"] * 12, "label": ["ham", "spam"] * 12})
    labelled.to_csv(tmp_path / "holdout.csv", index=False)
    policy = tmp_path / "gate.yaml"
    arguments = ["gate", str(tmp_path / "model"), "--policy", str(policy), "--output_dir", str(tmp_path / "gate")]
    arguments += ["--file", str(tmp_path / "holdout.csv")]
    policy.write_text("minimum: {accuracy: 0.0}\nmaximum: {flip_rate: {typos: 1.0}}\n")
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert "pass" in printed and "FAIL" not in printed
    policy.write_text("minimum: {accuracy: 1.0}\n")
    assert run(arguments) == 1
    assert "FAIL" in capsys.readouterr().out
    assert json.loads((tmp_path / "gate" / "gate.json").read_text())["lines"][0]["name"] == "accuracy"
    assert "has no data of its own" in error_of(capsys, arguments[:-2])


def test_an_output_folder_that_cannot_be_written_is_said_before_the_measurement(
    evaluated_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(*_: object, **__: object) -> None:
        raise AssertionError("measured before it is refused")

    monkeypatch.setattr("uegr.runs.gate.run_gate", measure)
    policy, file = tmp_path / "policy.yaml", tmp_path / "a file"
    policy.write_text("minimum: {accuracy: 0.0}\n")
    file.touch()
    arguments = ["gate", str(evaluated_run), "--policy", str(policy), "--output_dir", str(file)]
    capsys.readouterr()
    assert "cannot be used (file exists): name another" in error_of(capsys, arguments)


def test_the_result_does_not_replace_the_policy(
    evaluated_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "gate.json"
    policy.write_text('{"minimum": {"accuracy": 0.0}}')
    arguments = ["gate", str(evaluated_run), "--policy", str(policy), "--output_dir", str(tmp_path)]
    assert "would be replaced by the result: choose another --output_dir" in error_of(capsys, arguments)
    assert policy.read_text() == '{"minimum": {"accuracy": 0.0}}'
