"""Every `uegr` command that a page shows has options that exist."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from transformers import TrainingArguments

from uegr.cli import main  # noqa: F401  # importing it registers the commands
from uegr.cli.app import app
from uegr.cli.method_help import chosen_method
from uegr.evaluation.attacks.attack_registry import attack_class, option_names
from uegr.methods.method_lookup import config_class
from uegr.methods.own_code import import_code

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(uegr (?:--code FILE )?[a-z]+ [^`]*--[^`]*)`")


def commands_of(page: Path) -> list[str]:
    """The lines of a page that call uegr, and the commands with options in its sentences."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("uegr ")] + [
        " ".join(each.split()) for each in INLINE.findall(text)
    ]


def unknown_options(line: str) -> list[str]:
    """The options of a command that nothing takes."""
    _, *words = shlex.split(line, comments=True)
    if words[0] == "--code":
        _, file, *words = words
        if not file.isupper():  # no placeholder
            import_code(ROOT / file)
    name, *words = words
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    values = dict(zip((word.removeprefix("--") for word in words), [*words[1:], ""], strict=True))
    if name == "train":
        method = chosen_method({"method": "uegr", **values})
        if method.isupper():  # a placeholder
            method = "uegr"
        known |= {f"--{entry.name}" for entry in fields(config_class(method))}
        known |= {f"--{entry.name}" for entry in fields(TrainingArguments)}
    if name == "attack":
        names = [after for word, after in zip(words, [*words[1:], ""], strict=True) if word == "--attack"]
        for attack in (each for each in names if not each.isupper() and ":" not in each):
            known |= {f"--{option}" for option in option_names(attack_class(attack))}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.usefixtures("own_code_forgotten")
def test_the_options_of_a_command_exist(page: Path) -> None:
    assert {line: options for line in commands_of(page) if (options := unknown_options(line))} == {}


def test_an_option_that_does_not_exist_is_noticed() -> None:
    assert unknown_options("uegr train --task trec --epsilom 3") == ["--epsilom"]
    assert unknown_options("uegr train --method freelb --ascent_steps 2 --optim sgd  # --no") == []
    assert unknown_options("uegr attack runs/rt --attack typos --rate 0.3 --step 2") == ["--step"]
