"""The code of every tutorial runs, block after block in one folder, with a tiny model.

Scripts that a page includes or calls are run by tests/examples; here their names and options are compared.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from support.command_line import run

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "tutorials"
TUTORIALS = sorted(path for path in FOLDER.glob("*.md") if path.stem != "README")
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INCLUDED = re.compile(r'^--8<-- "(.*)"$', re.MULTILINE)
GRID = {"seeds: 3": "seeds: 1", "max_steps: 100, attack_examples: 50": "max_steps: 2, attack_examples: 4"}
"""What makes examples/grid.yaml short."""


def code_blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of every block of a page whose code is written there and not included."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def called_scripts(page: Path) -> list[list[str]]:
    """The words of every `python examples/...` line of a page."""
    commands = "\n".join(code for language, code in code_blocks(page) if language == "bash").splitlines()
    return [shlex.split(line)[1:] for line in commands if line.startswith("python ")]


def run_command(line: str, model: Path) -> None:
    """Run a line that calls uegr, with a tiny model and two steps; a gate may also say no."""
    words = shlex.split(line)[1:]
    if "train" in words:
        words[words.index("--max_steps") + 1] = "2"
        words += ["--model_name_or_path", str(model), "--precision", "fp32"]
    code = run(words)
    assert code in ((0, 1) if "gate" in words else (0,)), line


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
@pytest.mark.usefixtures("own_code_forgotten")
def test_the_code_of_a_tutorial_runs(
    page: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    grid = tmp_path / "examples" / "grid.yaml"
    text = grid.read_text(encoding="utf-8")
    for long, short in GRID.items():
        assert long in text
        text = text.replace(long, short)
    grid.write_text(f"{text}models: [{model_folder}]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for language, code in code_blocks(page):
        if language == "python":
            exec(compile(code, str(page), "exec"), names)
            continue
        for line in code.replace("\\\n", " ").strip().splitlines():
            if line.startswith("uegr "):
                run_command(line, model_folder)
            else:
                assert line.startswith("python examples/"), f"{line}: not a command that this test can run"


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_has_a_script_of_the_examples(page: Path) -> None:
    included = INCLUDED.findall(page.read_text(encoding="utf-8"))
    assert included
    assert [name for name in included if not name.startswith("examples/") or not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_called_script_takes_the_options_of_the_page(page: Path) -> None:
    for script, *arguments in called_scripts(page):
        source = (ROOT / script).read_text(encoding="utf-8")
        options = [word for word in arguments if word.startswith("--")]
        assert [option for option in options if f'"{option}"' not in source] == []


def test_every_tutorial_is_listed() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in TUTORIALS if f"]({page.name})" not in listed] == []
