"""`uegr train`: what it refuses, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from conftest import reviews
from support.command_line import error_of, run


@pytest.fixture
def base(train_file: Path, model_folder: Path, tmp_path: Path) -> list[str]:
    return [
        "train",
        "--train_file",
        str(train_file),
        "--model_name_or_path",
        str(model_folder),
        "--output_dir",
        str(tmp_path / "run"),
        "--max_steps",
        "2",
        "--batch_size",
        "8",
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "uegrr"], "did you mean 'uegr'"),
        (["--epsilon", "-1"], "epsilon must be at least 0"),
        (["--passes", "0"], "passes must be at least 1"),
        (["--dropout", "0.1,1.0"], "dropout rates must be at least 0 and below 1"),
        (["--passes", "3", "--dropout", "0.3,0.1"], "a range (low, high)"),
        (["--epsilon", "nan"], "epsilon must be a number, not 'nan'"),
        (["--epsilom", "0.1"], "did you mean '--epsilon'?"),
        (["--model", "a-folder"], "did you mean '--model_name_or_path'?"),
        (["--epsilon"], "its value is missing"),
        (["--text_column", "review"], "has no column 'review': choose one of text, label with --text_column"),
        (["--label_column", "stars"], "has no column 'stars': choose one of text, label with --label_column"),
        (["--text_pair_column", "other"], "has no column 'other': choose one of text, label with --text_pair_column"),
        (["--optim", "nonsense"], "nonsense is not a valid OptimizerNames"),
        (["--max_grad_norm", "a"], "--max_grad_norm must be a number, not 'a'"),
        (["--warmup_ratio", "7"], "warmup_ratio must be between 0 and 1, not 7"),
        (["--task", "rotten_tomatoes"], "exactly one of"),
        (["--train_file", "nowhere.csv"], "nowhere.csv': check the path"),
        (["--train_file", "reviews.docx"], "its ending must be one of"),
        (["--model_name_or_path", "/nowhere/model"], "was found neither as a folder nor on a hub"),
        (["--precision", "fp8"], "unknown precision"),
        (["--max_train_examples", "0"], "at least 1"),
        (["--batch_size", "0"], "must be at least 1"),
        (["--epochs", "0", "--max_steps", "-1"], "nothing to train"),
        (["--label_separator", ";"], "--label_separator is not used here: it is for --kind multi_label"),
        (["--kind", "regression", "--positive_label", "1"], "it is for --kind classification, or leave it out"),
        (["--kind", "causal_lm", "--drop_empty"], "--drop_empty is not used here"),
        (["--train_file", ""], "--train_file is empty: give it a value, or leave it out"),
        (["--output_dir="], "--output_dir is empty"),
    ],
)
def test_bad_options(
    more: list[str], message: str, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in error_of(capsys, [*base, *more])
    assert not (tmp_path / "run").exists(), "nothing may be left behind by a refused run"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--adam_beta1", "3"], "Invalid beta parameter"),
        (["--adam_epsilon", "-1"], "Invalid epsilon value"),
        (["--lr_scheduler_kwargs", "{'a': 1}"], "unexpected keyword argument"),
        (["--lr_scheduler_type", "cosine_with_min_lr"], "min_lr"),
        (["--dataloader_num_workers", "-1"], "num_workers"),
    ],
)
def test_what_torch_refuses_is_refused_before_the_run_begins(
    more: list[str], message: str, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = error_of(capsys, [*base, "--method", "plain", *more])
    assert "the training arguments do not fit together" in error
    assert message in error
    assert not (tmp_path / "run").exists(), "a refused run leaves nothing; a run.json would ask for --resume"


@pytest.mark.parametrize(
    ("more", "available", "package"),
    [
        (["--report_to", "wandb"], "transformers.integrations.integration_utils.is_wandb_available", "wandb"),
        (["--use_liger_kernel", "true"], "uegr.training.run_arguments.is_liger_kernel_available", "liger-kernel"),
    ],
)
def test_a_package_that_an_argument_needs_is_named(
    more: list[str],
    available: str,
    package: str,
    base: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(available, lambda: False)
    assert f"pip install {package}" in error_of(capsys, [*base, *more])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"text": ["a"] * 20, "label": [0, 1] * 9 + [0, None]}), "1 rows have no label"),
        (pd.DataFrame({"text": ["a"] * 19 + [" "], "label": [0, 1] * 10}), "--drop_empty"),
        (pd.DataFrame({"text": ["a"] * 19 + [None], "label": [0, 1] * 10}), "the first is row 19"),
        (pd.DataFrame({"text": ["a"] * 20, "label": [1] * 20}), "add rows of another class"),
        (pd.DataFrame({"text": [], "label": []}), "holds no rows"),
        (None, "is empty"),
    ],
)
def test_bad_data(
    frame: pd.DataFrame | None, message: str, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("") if frame is None else frame.to_csv(path, index=False)
    assert message in error_of(capsys, [*base, "--train_file", str(path)])
    assert not (tmp_path / "run").exists(), "nothing may be left behind by a refused run"


def test_unknown_task_suggests_a_known_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = error_of(capsys, ["train", "--task", "roten_tomatoes", "--output_dir", str(tmp_path)])
    assert "did you mean 'rotten_tomatoes'" in message


def test_drop_empty_drops(base: list[str], tmp_path: Path) -> None:
    frame = reviews(40)
    frame.loc[3, "text"] = " "
    frame.to_csv(tmp_path / "some.csv", index=False)
    assert run([*base, "--train_file", str(tmp_path / "some.csv"), "--drop_empty"]) == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["train_examples"] == 33


def test_a_cost_that_could_not_be_measured_is_said(
    train_file: Path,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def measure_cost(*_arguments: object, **_options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("uegr.runs.train.measure_cost", measure_cost)
    folder = tmp_path / "run"
    arguments = ["--train_file", str(train_file), "--model_name_or_path", str(model_folder), "--max_steps", "1"]
    assert run(["train", *arguments, "--output_dir", str(folder)]) == 0
    assert "the cost of a step was not measured." in " ".join(capsys.readouterr().out.split())
