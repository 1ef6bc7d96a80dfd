"""`uegr evaluate`, on a run's own task and on other tasks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import reviews
from support.command_line import entry_of, error_of, run, train_weights
from uegr.data.task_data import TaskData
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.transfer_score import score_transfer


def test_commands_before_and_after_evaluation(
    train_file: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert "holds no run" in error_of(capsys, ["evaluate", str(folder)])
    train_weights("uegr", train_file, model_folder, folder, "--passes", "1", "--epsilon=0.02")
    capsys.readouterr()
    assert "measure the run first" in error_of(capsys, ["compare", str(folder)])
    assert "not a list of numbers" in error_of(capsys, ["evaluate", str(folder), "--epsilons", "small"])
    assert "choose one of test, validation" in error_of(capsys, ["evaluate", str(folder), "--split", "train"])
    assert run(["evaluate", str(folder), "--epsilons", "0,0.05", "--attack_steps", "2", "--attack_restarts", "1"]) == 0
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


def test_run_is_evaluated_on_another_task(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of the ten texts of "cr" are in the training file, one of them rewritten a little."""
    frame = reviews(60)
    frame.to_csv(tmp_path / "mine.csv", index=False)
    run_folder, data = str(tmp_path / "run"), tmp_path / "data"
    (data / "cr").mkdir(parents=True)
    unknown = [f"never seen words number {i} stand here" for i in range(8)]
    held = ["one long text that is in the training file and not in the others", "of ten words or so"]
    frame.loc[[0, 2], "text"] = held
    frame.to_csv(tmp_path / "mine.csv", index=False)
    frame.to_csv(tmp_path / "held.csv", index=False)
    leaked = [held[0].replace("others", "other"), held[1].upper()]
    test = pd.DataFrame({"sentence": unknown + leaked, "label": [0, 1] * 5})
    test.to_parquet(data / "cr" / "test.parquet")
    monkeypatch.setenv("UEGR_DATA", str(data))
    files = ["--train_file", str(tmp_path / "mine.csv"), "--validation_file", str(tmp_path / "held.csv")]
    files += ["--test_file", str(tmp_path / "held.csv"), "--model_name_or_path", str(model_folder)]
    assert run(["train", *files, "--method", "plain", "--max_steps", "2", "--output_dir", run_folder]) == 0
    quick = ["--attack_examples", "4", "--epsilons", "0,0.1"]
    assert run(["evaluate", run_folder, "--on", "cr", *quick]) == 2
    assert "--label_map" in capsys.readouterr().err
    assert run(["evaluate", run_folder, "--on", "cr", "--label_map", "0=negative,1=positive"]) == 0
    out = capsys.readouterr().out
    assert "of 8" in out
    assert "of 60 test texts 60 are in the training data" in " ".join(out.split())
    entry = json.loads((tmp_path / "run" / "results.json").read_text())["runs"][0]
    assert entry["robustness"]["examples"] == 4, "an evaluated run is not evaluated again"
    (result,) = entry["transfer"]
    assert result["leakage"] == {"examples": 10, "exact": 1, "near": 2, "similarity": 0.6}
    assert result["unseen"]["examples"] == 8
    assert result["label_map"]["model"] == {"0": "negative", "1": "positive"}
    assert 0 <= result["metrics"]["accuracy"] <= 1


def test_a_run_is_measured_from_any_folder(
    train_file: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(train_file.parent)
    train_weights("plain", Path(train_file.name), model_folder, tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run(["evaluate", "../run", "--epsilons", "0,0.05", "--attack_examples", "4"]) == 0


def test_a_run_is_measured_on_other_files(
    train_file: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    train_weights("plain", train_file, model_folder, folder)
    pd.DataFrame({"text": ["good film", "bad film", "good"], "label": [1, 0, 1]}).to_csv(
        tmp_path / "b.csv", index=False
    )
    renamed = pd.DataFrame({"review": ["good film", "bad film"], "sentiment": ["good", "bad"]})
    renamed.to_json(tmp_path / "c.jsonl", orient="records", lines=True)
    quick = ["--attack_examples", "4", "--epsilons", "0,0.1"]
    assert run(["evaluate", str(folder), "--test_file", str(tmp_path / "b.csv"), *quick]) == 0
    capsys.readouterr()
    columns = ["--text_column", "review", "--label_column", "sentiment", "--label_map", "0=bad,1=good"]
    assert run(["evaluate", str(folder), "--test_file", str(tmp_path / "c.jsonl"), *columns, *quick]) == 0
    assert "measured already, and --epsilons, --attack_examples is not used" in " ".join(
        capsys.readouterr().out.split()
    )
    entries = json.loads((folder / "results.json").read_text())["runs"][0]["transfer"]
    assert [Path(entry["task"]).name for entry in entries] == ["b.csv", "c.jsonl"]
    assert [entry["test_examples"] for entry in entries] == [3, 2]
    assert entries[0]["leakage"]["examples"] == 3
    capsys.readouterr()
    assert run(["evaluate", str(folder), "--test_file", "nothing.csv"]) == 2
    assert "there is no file 'nothing.csv'" in " ".join(capsys.readouterr().err.split())
    assert run(["evaluate", str(folder), "--test_file", str(tmp_path / "c.jsonl")]) == 2
    assert "has no column 'text': choose one of review, sentiment with --text_column" in " ".join(
        capsys.readouterr().err.split()
    )


def test_f1_of_a_file_is_that_of_the_class_that_the_positive_class_corresponds_to(
    train_file: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, files = tmp_path / "run", [tmp_path / "same.csv", tmp_path / "other.csv"]
    train_weights("plain", train_file, model_folder, folder, "--metric", "f1")
    texts = ["good film", "bad film", "good", "bad", "a film"]
    for file, names in zip(files, (["0", "1"], ["yes", "no"]), strict=True):
        frame = pd.DataFrame({"text": texts, "label": [names[label] for label in (1, 0, 1, 0, 1)]})
        frame.to_csv(file, index=False)
    quick = ["--attack_examples", "4", "--epsilons", "0,0.1"]
    assert run(["evaluate", str(folder), "--test_file", str(files[0]), *quick]) == 0
    capsys.readouterr()
    assert run(["evaluate", str(folder), "--test_file", str(files[1]), "--label_map", "0=yes,1=no"]) == 0
    assert "F1 of no %" in capsys.readouterr().out
    same, other = entry_of(folder)["transfer"]
    assert (same["positive_label"], other["positive_label"]) == ("1", "no")
    assert same["metrics"] == other["metrics"] and same["unseen"] == other["unseen"]


def test_files_that_cannot_be_measured_are_refused_before_others_are(
    evaluated_run: Path, train_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("text\na good film\n", encoding="utf-8")
    monkeypatch.setattr("uegr.runs.transfer.score_transfer", lambda *_: pytest.fail("a file was measured"))
    assert run(["evaluate", str(evaluated_run), "--test_file", f"{train_file},{bad}"]) == 2


def test_a_measured_file_is_kept_where_a_later_one_is_stopped(
    evaluated_run: Path, train_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.csv"
    shutil.copy(train_file, other)

    def stopped(model: EvaluatedModel, data: TaskData, *arguments: Any) -> dict[str, Any]:
        if data.name == str(other):
            raise KeyboardInterrupt
        return score_transfer(model, data, *arguments)

    monkeypatch.setattr("uegr.runs.transfer.score_transfer", stopped)
    assert run(["evaluate", str(evaluated_run), "--test_file", f"{train_file},{other}"]) == 130
    assert [entry["task"] for entry in entry_of(evaluated_run)["transfer"]] == [str(train_file)]
