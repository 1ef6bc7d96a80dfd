"""`uegr attack` on a run that was trained and evaluated by the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command_line import entry_of, error_of, run, train_weights
from support.sample_runs import sample
from uegr.cli.attack import _print_attacks
from uegr.cli.terminal import console


def test_attacks_are_merged_into_the_results(evaluated_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = entry_of(evaluated_run)
    attack = ["attack", str(evaluated_run), "--examples", "6"]
    names = ["typos", "deepwordbug", "pgd", "random-search", "transfer"]
    chosen = [argument for name in names for argument in ("--attack", name)]
    further = ["--epsilons", "0,0.05", "--source", str(evaluated_run), "--attack_steps", "2", "--rate", "0.5"]
    assert run([*attack, *chosen, *further]) == 0
    assert "deepwordbug" in capsys.readouterr().out
    entry = entry_of(evaluated_run)
    assert {name: entry[name] for name in before} == before
    assert [result["attack"] for result in entry["text_attacks"]] == names[:2]
    assert entry["text_attacks"][0]["options"]["rate"] == 0.5
    assert [result["attack"] for result in entry["embedding_attacks"]] == names[2:]
    assert all(result["examples"] == 6 and result["cost"]["forward_passes"] > 0 for result in entry["text_attacks"])
    assert entry["embedding_attacks"][2]["source"] == "run"
    masking = entry["analysis"]["gradient_masking"]
    assert set(masking) >= {"white_box", "black_box", "transfer", "flag", "reasons", "zero_gradient"}

    assert run([*attack, "--attack", "typos", "--rate", "0.9"]) == 0
    again = entry_of(evaluated_run)["text_attacks"]
    assert [(result["attack"], result["options"].get("rate")) for result in again] == [
        ("deepwordbug", None),
        ("typos", 0.9),
    ]
    assert run(["evaluate", str(evaluated_run), "--epsilons", "0", "--attack_restarts", "1"]) == 0
    assert entry_of(evaluated_run)["text_attacks"] == again, "evaluating again keeps the results of attacks"


def test_the_table_fits_a_terminal_of_80_columns(
    evaluated_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of texts has the name that it has in `uegr evaluate`, too."""
    monkeypatch.setattr(console, "_width", 80)
    assert run(["attack", str(evaluated_run), "--attack", "deepwordbug", "--attack_examples", "3"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("deepwordbug  "))
    assert row.split()[:2] == ["deepwordbug", "3"]
    assert len(row) <= 80 and "\u2026" not in row


def test_radii_without_an_attack_on_the_embeddings_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["attack", "run", "--attack", "typos", "--epsilons", "0.1"]
    assert "--epsilons is not used here: add an attack on the embeddings" in error_of(capsys, arguments)


def test_texts_without_spaces_between_words_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    attacks = [
        {"attack": "deletion", "accuracy": 0.5, "examples": 9, "queries": 3.0, "unspaced": count} for count in (4, 0)
    ]
    _print_attacks(sample(text_attacks=attacks[:1]), ["deletion"])
    assert "4 of the texts are in scripts without spaces between words" in " ".join(capsys.readouterr().out.split())
    _print_attacks(sample(text_attacks=attacks[1:]), ["deletion"])
    assert "without spaces" not in capsys.readouterr().out


def test_a_refused_attack_changes_nothing(evaluated_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (evaluated_run / "results.json").read_text()
    capsys.readouterr()
    for more, message in (
        (["--attack", "deepwordbugs"], "did you mean 'deepwordbug'"),
        (["--attack", "typos", "--rates", "0.3"], "did you mean 'rate'"),
        (["--attack", "typos", "--rate", "0"], "needs a rate in (0, 1]"),
        (["--attack", "transfer"], "name it with --source"),
        (["--attack", "typos", "--split", "train"], "choose one of test, validation"),
        (["--attack", "textattack:pruthi", "--calibrated"], "run it without --calibrated"),
    ):
        assert message in error_of(capsys, ["attack", str(evaluated_run), "--examples", "4", *more])
        assert (evaluated_run / "results.json").read_text() == before


def test_a_text_attack_at_the_calibrating_temperature_stands_beside_the_other(
    evaluated_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["attack", str(evaluated_run), "--attack", "deletion", "--examples", "6"]
    message = error_of(capsys, [*arguments, "--calibrated"])
    assert "the model errs on none of them): leave out --calibrated" in message, (
        "its validation data is six easy reviews"
    )
    monkeypatch.setattr("uegr.runs.attack.fit_temperature", lambda logits, labels: 2.0)
    for flags in ([], ["--calibrated"]):
        assert run(["attack", str(evaluated_run), "--attack", "deletion", "--examples", "6", *flags]) == 0
    attacks = entry_of(evaluated_run)["text_attacks"]
    assert [attack["attack"] for attack in attacks] == ["deletion", "deletion"]
    assert "temperature" not in attacks[0] and attacks[1]["temperature"] > 0
    assert "(temp" in capsys.readouterr().out
    assert run(["attack", str(evaluated_run), "--attack", "deletion", "--examples", "6"]) == 0
    assert len(entry_of(evaluated_run)["text_attacks"]) == 2


def test_an_attack_whose_edits_the_training_had_is_marked(
    train_file: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    train_weights("plain", train_file, model_folder, folder, "--views", "characters:0.3")
    assert run(["evaluate", str(folder), "--epsilons", "0,0.05", "--attack_steps", "1", "--attack_restarts", "1"]) == 0
    names = ["--attack", "deepwordbug", "--attack", "ocr"]
    assert run(["attack", str(folder), *names, "--examples", "6"]) == 0
    assert [attack["trained_on"] for attack in entry_of(folder)["text_attacks"]] == [True, False]
    assert entry_of(folder)["typo_trained_on"] is True
    assert "* the model was trained on such edits." in capsys.readouterr().out


def test_a_finished_attack_is_kept_where_a_later_one_is_stopped(
    evaluated_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uegr.runs.attack.measure_embedding_attack", stopped)
    assert run(["attack", str(evaluated_run), "--attack", "deletion", "--attack", "pgd", "--examples", "4"]) == 130
    assert [attack["attack"] for attack in entry_of(evaluated_run)["text_attacks"]] == ["deletion"]
    assert list(json.loads((evaluated_run / "attacked_texts.json").read_text())) == ["deletion"]
