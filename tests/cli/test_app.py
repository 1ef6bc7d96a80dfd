"""What holds for the values of all options: ~ is the home folder, and an empty value is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import error_of


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["evaluate", ""], "an argument"),
        (["compare", "a", "", "b"], "an argument"),
        (["train", "--output_dir", "", "--task", "trec"], "--output_dir"),
        (["train", "--output_dir=", "--task", "trec"], "--output_dir"),
        (["predict", "run", "--file", "", "--output", "x.csv"], "--file"),
        (["attack", "run", "--attack", ""], "--attack"),
        (["train", "--task", "trec", "--epsilon", ""], "--epsilon"),
    ],
)
def test_an_empty_value_is_refused(arguments: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, arguments) == f"uegr: {name} is empty: give it a value, or leave it out.\n"


def test_an_option_whose_default_is_empty_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'nowhere' holds no run" in error_of(capsys, ["analyse", "nowhere", "--parts", "", "--ood="])


def test_a_tilde_that_the_shell_left_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert f"there is no file '{tmp_path / 'a.yaml'}'" in error_of(capsys, ["train", "--config=~/a.yaml"])
    assert f"'{tmp_path / 'run'}' holds no run" in error_of(capsys, ["analyse", "~/run"])
    assert "'a~b' holds no run" in error_of(capsys, ["analyse", "a~b"])
