"""Options from a YAML file, and fields of transformers' TrainingArguments by their own names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from support.command_line import error_of, run
from uegr.modeling.model_loading import load_trained


@pytest.fixture
def options(train_file: Path, model_folder: Path, tmp_path: Path) -> Path:
    file = tmp_path / "run.yaml"
    file.write_text(
        f"train_file: {train_file}\nmodel_name_or_path: {model_folder}\noutput_dir: {tmp_path / 'from_file'}\n"
        "method: uegr\nepsilon: 0.04\ndropout: [0.1, 0.2]\nmax_steps: 4\nbatch_size: 8\nprecision: fp32\n"
        "lr_scheduler_type: cosine\nmax_grad_norm: 0.5\n"
    )
    return file


def test_a_file_gives_what_the_command_line_would(options: Path, tmp_path: Path) -> None:
    assert run(["train", "--config", str(options)]) == 0
    config = json.loads((tmp_path / "from_file" / "run.json").read_text())["config"]
    assert config["options"] == {"epsilon": 0.04, "dropout": [0.1, 0.2]}
    assert config["training_arguments"] == {"lr_scheduler_type": "cosine", "max_grad_norm": 0.5}
    assert (config["max_steps"], config["batch_size"]) == (4, 8)
    by_hand = ["train", "--output_dir", str(tmp_path / "by_hand"), "--epsilon", "0.04", "--dropout", "0.1,0.2"]
    by_hand += ["--lr_scheduler_type", "cosine", "--max_grad_norm", "0.5"]
    for name in ("train_file", "model_name_or_path", "max_steps", "batch_size", "precision"):
        value = config["data"][name] if name == "train_file" else config[name.removesuffix("_name_or_path")]
        by_hand += [f"--{name}", str(value)]
    assert run(by_hand) == 0
    weights = load_trained(tmp_path / "by_hand").state_dict()
    for name, weight in load_trained(tmp_path / "from_file").state_dict().items():
        assert torch.equal(weight, weights[name])


def test_the_command_line_overrides_the_file(options: Path, tmp_path: Path) -> None:
    more = ["--output_dir", str(tmp_path / "other"), "--max_steps", "2", "--epsilon", "0.01", "--method", "fgm"]
    options.write_text("".join(line for line in options.open() if not line.startswith("dropout")))
    assert run(["train", "--config", str(options), *more]) == 0
    config = json.loads((tmp_path / "other" / "run.json").read_text())["config"]
    assert (config["max_steps"], config["method"], config["options"]) == (2, "fgm", {"epsilon": 0.01})


def test_names_of_training_arguments_that_have_another_name_here(options: Path, tmp_path: Path) -> None:
    text = options.read_text().replace("batch_size: 8", "per_device_train_batch_size: 4\nnum_train_epochs: 1")
    options.write_text(text.replace("max_steps: 4\n", ""))
    assert run(["train", "--config", str(options)]) == 0
    config = json.loads((tmp_path / "from_file" / "run.json").read_text())["config"]
    assert (config["batch_size"], config["epochs"]) == (4, 1)


def test_the_command_line_overrides_names_of_training_arguments(options: Path, tmp_path: Path) -> None:
    options.write_text(options.read_text() + "per_device_train_batch_size: 2\nnum_train_epochs: 7\n")
    assert run(["train", "--config", str(options), "--epochs", "1", "--batch_size", "4", "--max_steps", "2"]) == 0
    config = json.loads((tmp_path / "from_file" / "run.json").read_text())["config"]
    assert (config["batch_size"], config["epochs"]) == (4, 1)


def test_early_stopping_keeps_the_best_model(options: Path, tmp_path: Path) -> None:
    """The learning rate is so high that the metric does not stay at its best."""
    more = ["--epochs", "12", "--early_stopping_patience", "1", "--learning_rate", "0.3", "--max_steps", "-1"]
    assert run(["train", "--config", str(options), *more]) == 0
    log = json.loads((tmp_path / "from_file" / "training_log.json").read_text())
    metrics = [entry["eval_metric"] for entry in log if "eval_metric" in entry]
    assert 2 <= len(metrics) < 12
    assert metrics[-1] <= max(metrics[:-1])
    assert json.loads((tmp_path / "from_file" / "run.json").read_text())["finished"]
    assert not list((tmp_path / "from_file").glob("checkpoint-*"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epsilonn: 0.1", "--epsilonn is not an option of uegr train, of the method uegr"),
        ("optim: zigzag", "the training arguments do not fit together"),
        ("validation_file: 3", "validation_file must be a path, not 3: write it in quotes"),
        ('overwrite: "false"', "overwrite must be"),
        ('resume: "no"', "resume must be"),
        ("epochs: many", "epochs must be a number, not 'many'"),
    ],
)
def test_what_cannot_be_is_said(options: Path, line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    options.write_text(options.read_text() + line + "\n")
    assert message in error_of(capsys, ["train", "--config", str(options)])


def test_paths_of_a_file_are_read_as_in_a_shell(
    options: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without this, a folder with the name ~ was made in the working directory."""
    for variable in ("HOME", "USERPROFILE", "FILES"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    text = options.read_text().replace("dropout", "# dropout").replace(f"{tmp_path / 'from_file'}", "~/at_home")
    options.write_text(text.replace(str(tmp_path / "reviews.csv"), "$FILES/reviews.csv"))
    assert run(["train", "--config", str(options), "--max_steps", "1"]) == 0
    assert (tmp_path / "at_home" / "run.json").is_file() and not (tmp_path / "~").exists()
    options.write_text("train_file: $NOT_SET/reviews.csv\noutput_dir: x\n")
    assert "needs the environment variable NOT_SET" in error_of(capsys, ["train", "--config", str(options)])
    options.write_text("train_file: ''\noutput_dir: x\n")
    assert "train_file is empty: give it a path" in error_of(capsys, ["train", "--config", str(options)])


def test_an_option_with_a_slip_is_named(options: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean '--epochs'?" in error_of(capsys, ["train", "--config", str(options), "--epoch", "3"])
    assert "there is no file 'no.yaml'" in error_of(capsys, ["train", "--config", "no.yaml"])
    assert "name the folder of the run" in error_of(capsys, ["train", "--task", "trec"])


def test_overwrite_keeps_the_file(options: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "--config", str(options), "--output_dir", str(tmp_path), "--overwrite"]
    assert "which --overwrite empties: move it" in error_of(capsys, arguments)
    assert options.exists()
