"""`uegr train --help` lists the options of the chosen method."""

from __future__ import annotations

import pytest

from support.command_line import error_of, run
from uegr.cli.train import PANELS
from uegr.methods.method_lookup import make_config


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "uegr"),
        (["--method", "freelb"], "freelb"),
        (["--method=plain"], "plain"),
        (["--forward", "freelb", "--backward", "roast"], "freelb+roast"),
    ],
)
@pytest.mark.parametrize("help_first", [True, False])
def test_help_lists_the_options_of_the_method(
    arguments: list[str],
    name: str,
    help_first: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert run(["train", *(["--help", *arguments] if help_first else [*arguments, "--help"])]) == 0
    own, _, panel = capsys.readouterr().out.partition(f"Options of method {name} ")
    assert all(f"╭─ {title} " in own for title in PANELS)
    listed = {word for word in panel.split() if word.startswith("--")}
    assert listed == {f"--{option}" for option in make_config(name).options()}


def test_marks_in_brackets_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--help"]) == 0
    assert "[ours]" in capsys.readouterr().out


def test_help_of_an_unknown_method_names_the_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert "choose one of" in error_of(capsys, ["train", "--method", "sgd", "--help"])
