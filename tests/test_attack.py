"""`uegr attack` on a run that was trained and measured by the commands before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from test_cli import error_of
from test_doors import command_line, run


@pytest.fixture
def measured(train_file: Path, model_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    command_line("plain", train_file, model_folder, folder)
    assert run(["evaluate", str(folder), "--epsilons", "0,0.05", "--steps", "1", "--restarts", "1"]) == 0
    return folder


def entry_of(folder: Path) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads((folder / "results.json").read_text())["runs"][0]
    return entry


def test_attacks_are_merged_into_the_results(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = entry_of(measured)
    attack = ["attack", str(measured), "--examples", "6", "--epsilons", "0,0.05"]
    names = ["typos", "deepwordbug", "pgd", "random-search", "transfer"]
    chosen = [argument for name in names for argument in ("--attack", name)]
    assert run([*attack, *chosen, "--source", str(measured), "--steps", "2", "--rate", "0.5"]) == 0
    assert "deepwordbug" in capsys.readouterr().out
    entry = entry_of(measured)
    assert {name: entry[name] for name in before} == before
    assert [one["attack"] for one in entry["text_attacks"]] == names[:2]
    assert entry["text_attacks"][0]["options"]["rate"] == 0.5
    assert [one["attack"] for one in entry["embedding_attacks"]] == names[2:]
    assert all(one["examples"] == 6 and one["cost"]["forward_passes"] > 0 for one in entry["text_attacks"])
    assert entry["embedding_attacks"][2]["source"] == "run"
    masking = entry["analysis"]["gradient_masking"]
    assert set(masking) >= {"white_box", "black_box", "transfer", "flag", "reasons", "zero_gradient"}

    assert run([*attack, "--attack", "typos", "--rate", "0.9"]) == 0
    again = entry_of(measured)["text_attacks"]
    assert [(one["attack"], one["options"].get("rate")) for one in again] == [("deepwordbug", None), ("typos", 0.9)]
    assert run(["evaluate", str(measured), "--epsilons", "0", "--restarts", "1"]) == 0
    assert entry_of(measured)["text_attacks"] == again, "measuring anew keeps what attacks have found"


def test_what_cannot_work_is_refused_and_changes_nothing(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (measured / "results.json").read_text()
    capsys.readouterr()
    for more, message in (
        (["--attack", "deepwordbugs"], "did you mean 'deepwordbug'"),
        (["--attack", "typos", "--rates", "0.3"], "did you mean 'rate'"),
        (["--attack", "typos", "--rate", "0"], "need a rate in (0, 1]"),
        (["--attack", "transfer"], "name it with --source"),
        (["--attack", "typos", "--split", "train"], "choose one of test, validation"),
    ):
        assert message in error_of(capsys, ["attack", str(measured), "--examples", "4", *more])
        assert (measured / "results.json").read_text() == before
