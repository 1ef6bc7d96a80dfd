from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import torch

from conftest import reviews
from test_doors import command_line, run
from uegr import METHODS
from uegr.cli.options import method_options
from uegr.methods.registry import described, options_of


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


def error_of(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 2) -> str:
    """The one line on stderr of a command that fails with that exit code, and with no traceback."""
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.count("\n") == 1, error
    return error


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "uegrr"], "did you mean 'uegr'"),
        (["--epsilon", "0"], "epsilon must be above 0"),
        (["--epsilon", "-1"], "epsilon must be above 0"),
        (["--passes", "0"], "passes must be at least 1"),
        (["--dropout", "0.1,1.0"], "dropout rates must lie in [0, 1)"),
        (["--dropout", "0.3,0.1"], "low <= high"),
        (["--epsilom", "0.1"], "did you mean 'epsilon'"),
        (["--epsilon"], "its value is missing"),
        (["--text_column", "review"], "has no column 'review': its columns are text, label"),
        (["--label_column", "stars"], "has no column 'stars'"),
        (["--task", "rotten_tomatoes"], "exactly one of"),
        (["--train_file", "nowhere.csv"], "there is no file 'nowhere.csv'"),
        (["--train_file", "reviews.docx"], "its ending must be one of"),
        (["--model_name_or_path", "/nowhere/model"], "was found neither as a folder nor on a hub"),
        (["--precision", "fp8"], "unknown precision"),
        (["--max_train_examples", "0"], "at least 1"),
        (["--batch_size", "0"], "must be at least 1"),
        (["--epochs", "0", "--max_steps", "-1"], "nothing to train"),
    ],
)
def test_bad_options(
    more: list[str], message: str, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in error_of(capsys, [*base, *more])
    assert not (tmp_path / "run").exists(), "nothing may be left behind by a refused run"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"text": ["a"] * 20, "label": [0, 1] * 9 + [0, None]}), "1 rows have no label"),
        (pd.DataFrame({"text": ["a"] * 20, "label": [0, 1] * 9 + [0, 1.5]}), "holds 1.5, which is no class"),
        (pd.DataFrame({"text": ["a"] * 19 + [" "], "label": [0, 1] * 10}), "--drop_empty"),
        (pd.DataFrame({"text": ["a"] * 19 + [None], "label": [0, 1] * 10}), "the first is row 19"),
        (pd.DataFrame({"text": ["a"] * 20, "label": [1] * 20}), "at least two classes"),
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


def test_unknown_task_names_the_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = error_of(capsys, ["train", "--task", "roten_tomatoes", "--output_dir", str(tmp_path)])
    assert "did you mean 'rotten_tomatoes'" in message


@pytest.mark.parametrize(("instructions", "notes"), [(True, 0), (False, 1)])
def test_bf16_that_would_be_slow_is_told(
    instructions: bool, notes: int, base: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    assert run([*base, "--precision", "bf16"]) == 0
    assert capsys.readouterr().out.count("no bfloat16 instructions") == notes


def test_drop_empty_drops(base: list[str], tmp_path: Path) -> None:
    frame = reviews(40)
    frame.loc[3, "text"] = " "
    frame.to_csv(tmp_path / "some.csv", index=False)
    assert run([*base, "--train_file", str(tmp_path / "some.csv"), "--drop_empty"]) == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["train_examples"] == 33


def test_commands_on_measured_and_unmeasured_runs(
    train_file: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert "holds no run" in error_of(capsys, ["evaluate", str(folder)])
    command_line("uegr", train_file, model_folder, folder, "--passes", "1", "--epsilon=0.02")
    capsys.readouterr()
    assert "measure the run first" in error_of(capsys, ["compare", str(folder)])
    assert "no list of numbers" in error_of(capsys, ["evaluate", str(folder), "--epsilons", "small"])
    assert "choose one of test, validation" in error_of(capsys, ["evaluate", str(folder), "--split", "train"])
    assert run(["evaluate", str(folder), "--epsilons", "0,0.05", "--steps", "2", "--restarts", "1"]) == 0
    content = json.loads((folder / "results.json").read_text())
    assert content["schema"] == 1
    entry = content["runs"][0]
    assert entry["options"] == {"passes": 1, "epsilon": 0.02}
    assert entry["robustness"]["epsilons"] == [0.0, 0.05]
    assert entry["robustness"]["accuracy"][0] == entry["metrics"]["accuracy"]
    capsys.readouterr()
    assert run(["compare", str(folder), str(folder / "results.json")]) == 0
    assert capsys.readouterr().out.count("uegr (passes 1") == 2
    pictures = str(tmp_path / "figures")
    assert run(["report", str(folder), "--output", str(tmp_path / "page.html"), "--figures", pictures]) == 0
    assert (tmp_path / "figures" / "robustness.svg").exists()
    assert "model-index" in (folder / "README.md").read_text()
    assert "<table>" in (tmp_path / "page.html").read_text()


def test_the_version_is_the_same_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    said = capsys.readouterr().out.split()
    assert said == ["uegr", version("uegr")]
    citation = (Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {said[1]}\n" in citation


def test_methods_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["methods"]) == 0
    assert "2503.16550" in capsys.readouterr().out
    assert run(["methods", "uegr"]) == 0
    shown = capsys.readouterr().out
    assert "--epsilon" in shown and "[ours]" in shown
    assert "choose one of" in error_of(capsys, ["methods", "sgd"])


@pytest.mark.parametrize("name", METHODS)
def test_every_option_says_what_it_is(name: str) -> None:
    for stage in (METHODS[name].forward, METHODS[name].backward):
        texts = described(stage)
        for option in options_of(stage):
            assert texts.get(option) and not texts[option].startswith("see `"), option


def test_method_options_are_read_as_python_reads_them() -> None:
    arguments = [
        "--epsilon",
        "1e-2",
        "--dropout",
        "0.1,0.3",
        "--adversary=false",
        "--norm",
        "linf",
        "--step-size",
        "None",
    ]
    assert method_options(arguments) == {
        "epsilon": 0.01,
        "dropout": (0.1, 0.3),
        "adversary": False,
        "norm": "linf",
        "step_size": None,
    }


def test_tasks_are_listed_and_told_about(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UEGR_DATA", str(tmp_path))
    (tmp_path / "ag_news").mkdir()
    assert run(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:6] for line in lines if line.split()[:1] == ["ag_news"]] == [
        ["ag_news", "accuracy", "9,977", "of", "120,000", "7,600"]
    ]
    assert any(line.split() == ["mpqa", "accuracy", "8,478", "1,003", "–"] for line in lines)
    assert run(["tasks", "trec"]) == 0
    assert "Li & Roth 2002" in capsys.readouterr().out
    assert "did you mean 'trec'" in error_of(capsys, ["tasks", "trek"])
