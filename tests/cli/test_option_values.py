"""Option values are read as Python values."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import error_of
from uegr.cli.option_values import method_options, parse_label_map
from uegr.errors import UsageError


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


@pytest.mark.parametrize("arguments", [["--epsilon"], ["--epsilon="], ["--epsilon=", "--norm", "linf"]])
def test_an_option_without_a_value_takes_no_other_argument(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match="--epsilon is not an option of this command, or its value is missing"):
        method_options(arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "RUN", "--label_map", "a=b", "--on_examples", "3"], "--label_map, --on_examples is not used"),
        (["evaluate", "RUN", "--on", "cr", "--text_column", "x"], "--text_column is not used here: name files"),
        (["attack", "RUN", "--attack", "pgd", "--source", "RUN"], "--source is not used here: add --attack transfer"),
        (["attack", "RUN", "--attack", "pgd", "--calibrated"], "--calibrated is not used"),
        (["analyse", "RUN", "--parts", "selective", "--ood", "cr"], "--ood is not used here: add ood to --parts"),
        (
            ["predict", "RUN", "--file", "a.csv", "--output", "b.csv", "--label_column", "x"],
            "--label_column is not used",
        ),
        (["compare", "RUN", "--jobs", "2", "--keep_models"], "--jobs, --keep_models is not used here: name a grid"),
        (["train", "--task", "cr", "--label_column", "x", "--output_dir", "RUN"], "--label_column is not used"),
        (["train", "--task", "cr", "--lora_alpha", "4", "--output_dir", "RUN"], "--lora_alpha is not used"),
        (["report", "RUN", "--output", "."], "'.' is a folder: give --output"),
        (
            ["report", "RUN", "--output", "RUN/results.json"],
            "is not the name of an HTML file: let --output",
        ),
    ],
)
def test_an_option_without_effect_is_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "run")
    assert message in error_of(capsys, [folder if word == "RUN" else word for word in arguments])
    assert not Path(folder).exists()


def test_a_class_of_the_model_has_one_class_of_the_task() -> None:
    assert parse_label_map("a = b, c=b") == {"a": "b", "c": "b"}
    with pytest.raises(UsageError, match="--label_map names 'a' twice"):
        parse_label_map("a=b,a=c")
