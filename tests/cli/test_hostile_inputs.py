"""Inputs that are broken or made to break things: one sentence, exit code 2, no traceback, no markup, no code."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from support.command_line import error_of, run
from uegr.cli.terminal import PlainConsole
from uegr.compare.grid import read_grid
from uegr.compare.result_slot import read_slots
from uegr.errors import UsageError
from uegr.runs.finished_run import open_trained
from uegr.runs.results_json import read_results
from uegr.runs.run_folder import read_run

MODEL = ["--model_name_or_path", "MODEL"]
GRID = "methods: [plain]\ntasks: [rotten_tomatoes]\nseeds: 1\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "FILE"], "'FILE' is a file: name the folder of a run"),
        (["evaluate", "FOLDER"], "'FOLDER' holds no run"),
        (["report", "FOLDER"], "there is no 'FOLDER/results.json'"),
        (["compare", "FOLDER/sub.yaml"], "'FOLDER/sub.yaml' is a folder: name a YAML file"),
        (["compare", "x" * 300 + ".yaml"], "cannot be used .file name too long"),
        (["tune", "FOLDER/sub.yaml"], "is a folder: name a YAML file"),
        (["train", "--train_file", "FOLDER/sub.csv", "--output_dir", "FOLDER/out"], "is a folder: give a file"),
        (
            ["train", "--train_file", "DATA", "--output_dir", "FILE", "--model_name_or_path", "MODEL"],
            "'FILE' is a file",
        ),
        (
            ["train", "--train_file", "DATA", "--output_dir", "FILE/x", *MODEL],
            "cannot be used",
        ),
        (["train", "--train_file", "DATA", "--output_dir", "y" * 300, *MODEL], "too long"),
        (["methods", "[/b]"], r"unknown method '\[/b\]'"),
        (["tasks", "[bold]x[/bold]"], r"unknown task '\[bold\]x\[/bold\]'"),
    ],
)
def test_a_wrong_path_or_name_is_one_sentence(
    arguments: list[str],
    message: str,
    model_folder: Path,
    train_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, folder = tmp_path / "a file", tmp_path / "a folder"
    file.write_text("text")
    for name in ("sub.yaml", "sub.csv"):
        (folder / name).mkdir(parents=True)
    names = {"FILE": str(file), "FOLDER": str(folder), "DATA": str(train_file), "MODEL": str(model_folder)}

    def filled(text: str) -> str:
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    error = error_of(capsys, [filled(argument) for argument in arguments])
    assert error.startswith("uegr: ") and re.search(filled(message), error), error


def test_a_name_that_is_no_utf8_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.yaml")
    Path(path).write_text(GRID + "nonsense: 1\n")
    assert "unknown key 'nonsense'" in error_of(capsys, ["compare", path])


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB + GRID, "holds more than 100,000 values with its aliases"),
        ("a: &a [*a]\n", "has more than 30 levels, or an alias that holds itself|is not valid YAML"),
        ("[" * 5000, "has more than 30 levels|is not valid YAML"),
        ("a: " + "[" * 40 + "]" * 40, "has more than 30 levels"),
        (GRID.replace("seeds: 1", "seeds: 1000000000"), "a number of seeds, at most 1,000"),
        (GRID.replace("seeds: 1", "seeds: true"), "a number of seeds"),
        (GRID.replace("seeds: 1", "seeds: -1"), "a number of seeds"),
        (GRID + "base: .\n", "is a folder: name a YAML file"),
        (GRID.replace("rotten_tomatoes", "{name: mine, train_file: .}"), "there is no file '.'"),
        (
            'methods: [{name: "half \\ud800", method: plain}]\ntasks: [rotten_tomatoes]\nseeds: 1\n',
            "surrogate|is not valid YAML",
        ),
        ("methods: [!!python/object/apply:os.system [ls]]\n", "is not valid YAML"),
        ("? [1, 2]\n: 3\n", "unknown key|is not valid YAML"),
        ("5", "a grid must be a mapping"),
        ("", "a grid must be a mapping"),
        ("null", "a grid must be a mapping"),
        ("a: 2026-99-99\n", "unknown key|is not valid YAML"),
        (GRID + "defaults: {epochs: .nan}\n", "epochs must be a finite number"),
        (GRID + "defaults: {epochs: 1e400}\n", "epochs must be a finite number"),
        (GRID + "defaults: {batch_size: 99999999999999999999999}\n", ""),
    ],
)
def test_a_hostile_grid_is_refused_in_one_sentence(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(content)
    if not message:
        read_grid(path)
        return
    with pytest.raises(UsageError, match=message):
        read_grid(path)


@pytest.mark.parametrize("line", ["null", "5", "[1]", '"text"', "{}", '{"task": 1}', "{", "\udcff", "[" * 50_000])
def test_a_line_of_a_results_file_that_is_no_result_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(line.encode("utf-8", "surrogateescape") + b"\n")
    with pytest.raises(UsageError, match="line 1 of .* is not a result of uegr compare"):
        read_slots(path)


@pytest.mark.parametrize("content", ["null", "5", "[]", '"x"', "{", "", "[" * 50_000, '{"config": 3}'])
def test_a_run_json_of_another_form_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UsageError, match=r"run.json' (is damaged|is not a run.json)"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"kind": "nonsense"}, {"kind": None}, {"kind": [1]}, {"precision": ...}, {"cost": ...}]
)
def test_a_finished_run_of_another_form_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    content = {"finished": True, "config": {}, "kind": "classification", "precision": "fp32", "task": "t"}
    content |= {"train_examples": 1, "cost": {}, **changes}
    (tmp_path / "run.json").write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))
    with pytest.raises(UsageError, match=r"run.json' does not belong to a finished run of uegr"):
        open_trained(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": {"max_length": "x"}}, "holds 'x' as config.max_length"),
        ({"files": []}, "holds \\[\\] as files"),
        ({"data": {"text_columns": [1]}}, r"holds 1 as data.text_columns\[0\]"),
        ({"cost": {"seconds": "x"}}, "holds 'x' as cost.seconds"),
    ],
)
def test_a_value_of_another_type_in_a_run_json_is_named(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"finished": True, "config": {}, **changes}))
    with pytest.raises(UsageError, match=rf"run.json' {message}: train again"):
        read_run(tmp_path)


@pytest.mark.parametrize("part", ["metrics", "robustness", "cost", "analysis", "text_attacks", "transfer"])
@pytest.mark.parametrize("value", [None, 5, "x", [1]])
def test_a_results_json_with_a_part_of_another_form_is_refused(part: str, value: object, tmp_path: Path) -> None:
    entry = {
        "method": "plain",
        "task": "t",
        "model": "m",
        "seed": 0,
        "train_examples": 1,
        "metrics": {"accuracy": 0.5},
        "robustness": {"attack": "pgd", "norm": "l2", "relative": True, "epsilons": [0.0], "accuracy": [0.5]},
        "cost": {"seconds": 1.0, "flop_ratio": 1.0, "time_ratio": 1.0},
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"schema": 1, "runs": [entry]}))
    assert len(read_results(path)) == 1
    if part in ("text_attacks", "transfer") and value == [1]:
        return
    path.write_text(json.dumps({"schema": 1, "runs": [{**entry, part: value}]}))
    with pytest.raises(UsageError, match="results.json' (holds|lacks)"):
        read_results(path)


def test_texts_from_outside_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    console = PlainConsole(width=60)
    table = Table("[bold]head[/bold]")
    table.add_row("[/b] \x1b[31mred\x1b[0m \u202eabc \ud800")
    console.print(table)
    console.print("[red]text[/red] :smile: \x1b]8;;http://x\x07link", highlight=False)
    printed = capsys.readouterr().out
    assert "[bold]head[/bold]" in printed and "[/b] \ufffd[31mred\ufffd[0m \ufffdabc \ufffd" in printed
    assert "[red]text[/red] :smile: \ufffd]8;;http://x\ufffdlink" in printed and "\x1b" not in printed


def test_a_note_on_a_file_is_printed_without_its_control_sequences(
    evaluated_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "texts.csv"
    file.write_text("text,a\x1b[31m,a\x1b[31m\ngood film,1,2\n")
    assert run(["predict", str(evaluated_run), "--file", str(file), "--output", str(tmp_path / "out.csv")]) == 0
    notes = [record.getMessage() for record in caplog.records if record.name == "uegr"]
    assert any("a\ufffd[31m" in note for note in notes) and not any("\x1b" in note for note in notes), notes
