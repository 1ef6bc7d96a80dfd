"""`uegr analyse` on a run that was trained and evaluated by the commands."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support.command_line import entry_of, error_of, run, train_weights


def test_parts_are_merged_into_the_results_with_what_they_cost(
    evaluated_run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = entry_of(evaluated_run)
    assert run(["analyse", str(evaluated_run), "--parts", "calibration,selective"]) == 0
    assert run(["analyse", str(evaluated_run), "--parts", "similarity,saliency,landscape", "--examples", "6"]) == 0
    assert "forward passes" in capsys.readouterr().out
    entry = entry_of(evaluated_run)
    assert {name: entry[name] for name in before} == before
    parts = entry["analysis"]
    assert set(parts) == {"calibration", "selective", "similarity", "saliency", "landscape"}
    assert all(part["cost"]["forward_passes"] > 0 for part in parts.values())
    assert parts["calibration"]["accuracy"] == entry["metrics"]["accuracy"]
    assert parts["landscape"]["examples"] == parts["similarity"]["examples"] == 6
    assert len(parts["landscape"]["slice_2d"]["loss"]) == len(parts["landscape"]["slice_2d"]["alphas"])
    assert parts["similarity"]["layers"] == ["embeddings", "layer 1", "layer 2"]
    capsys.readouterr()
    for more, message in (
        (["--parts", "callibration"], "did you mean 'calibration'"),
        (["--parts", "ood"], "--ood"),
        (["--parts", "ood", "--ood", "subk"], "did you mean 'subj'"),
        (
            ["--parts", "calibration,selective", "--examples", "6"],
            "add one of similarity, saliency, landscape to --parts",
        ),
        (["--split", "train"], "choose one of test, validation"),
    ):
        assert message in error_of(capsys, ["analyse", str(evaluated_run), *more])


def test_out_of_distribution_texts_come_from_other_tasks(
    evaluated_run: Path,
    data_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    assert run(["analyse", str(evaluated_run), "--parts", "ood", "--ood", "subj,trec"]) == 0
    tasks = entry_of(evaluated_run)["analysis"]["ood"]["tasks"]
    assert [task["task"] for task in tasks] == ["subj", "trec"]
    assert all(0 <= area <= 1 for task in tasks for area in task["auroc"].values())
    capsys.readouterr()
    assert "of the same shape" in error_of(capsys, ["analyse", str(evaluated_run), "--parts", "ood", "--ood", "rte"])


def test_the_run_s_own_texts_are_not_out_of_distribution(
    train_file: Path,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of a task of its own the run may have taken a part only (--max_test_examples)."""
    folder, frame = tmp_path / "run", pd.read_csv(train_file)
    frame.iloc[:6].to_csv(tmp_path / "test.csv", index=False)
    train_weights("plain", train_file, model_folder, folder, "--test_file", str(tmp_path / "test.csv"))
    assert run(["evaluate", str(folder), "--epsilons", "0", "--attack_examples", "2"]) == 0
    for task, rows in (("cr", frame), ("mpqa", frame.iloc[10:])):
        (tmp_path / "data" / task).mkdir(parents=True)
        rows.rename(columns={"text": "sentence"}).to_parquet(tmp_path / "data" / task / "test.parquet")
    monkeypatch.setenv("UEGR_DATA", str(tmp_path / "data"))
    capsys.readouterr()
    analyse = ["analyse", str(folder), "--parts", "ood", "--ood"]
    for split in ("test", "validation"):
        error = error_of(capsys, [*analyse, "cr", "--split", split])
        assert "the texts of task 'cr' are the run's own test data: name another task" in error
    assert run([*analyse, "mpqa"]) == 0
