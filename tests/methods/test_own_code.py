"""Methods in Python files of the user's own, imported by `uegr --code FILE`."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from conftest import reviews
from support.command_line import error_of, run
from support.compare_samples import workspace
from uegr.compare.grid import make_grid
from uegr.compare.grid_runner import run_grid
from uegr.compare.local_engines import Processes
from uegr.methods.method_lookup import METHODS, make_config
from uegr.methods.own_code import import_code
from uegr.runs.results_json import read_results

EXAMPLE = Path(__file__).parents[2] / "examples" / "new_method.py"
METHOD = """
from beside import SIGMA
from uegr import MethodConfig
from uegr.forward.plain import PlainForward
from uegr.methods.register_method import register
from uegr.options import option

class OwnForward(PlainForward):
    \"\"\"A stage of a test.\"\"\"

@register("{name}", forward=OwnForward)
class OwnConfig(MethodConfig):
    \"\"\"A method of a test.\"\"\"
    sigma: float = option(SIGMA, "a number", above=0)
"""

pytestmark = pytest.mark.usefixtures("own_code_forgotten")


@pytest.fixture
def own_method(tmp_path: Path) -> Path:
    """A file that registers the method "own", and imports another beside it."""
    (tmp_path / "beside.py").write_text("SIGMA = 0.5", encoding="utf-8")
    file = tmp_path / "own.py"
    file.write_text(METHOD.format(name="own"), encoding="utf-8")
    return file


def test_a_method_of_a_file_has_a_name(own_method: Path) -> None:
    import_code(own_method)
    import_code(own_method)
    config = make_config("own+roast")
    assert make_config("own").options()["sigma"] == 0.5
    assert pickle.loads(pickle.dumps(make_config("own"))) == make_config("own")
    assert config.backward is make_config("roast").backward


def test_files_of_one_name_in_two_folders(own_method: Path, tmp_path: Path) -> None:
    other = tmp_path / "folder" / "own.py"
    other.parent.mkdir()
    other.write_text(METHOD.format(name="other").replace("OwnConfig", "OtherConfig"), encoding="utf-8")
    import_code(own_method)
    import_code(other)
    for name in ("own", "other"):
        assert pickle.loads(pickle.dumps(make_config(name))) == make_config(name)


def test_every_command_knows_the_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--code", str(EXAMPLE), "methods"]) == 0
    assert "gaussian-noise" in capsys.readouterr().out
    assert run(["--code", str(EXAMPLE), "train", "--method", "gaussian-noise", "--help"]) == 0
    assert "--sigma" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys\nsys.exit(1)", "is a script, and ended when it was imported"),
        ("x = 1\ny = x / 0", "cannot be imported: ZeroDivisionError in line 2 (division by zero)"),
        ("x = (", "cannot be imported: SyntaxError"),
        ("import nowhere", "cannot be imported: ModuleNotFoundError in line 1 (No module named 'nowhere')"),
        ("from uegr.methods.register_method import register\n@register('a+b')\nclass A: ...", "a name without '+'"),
    ],
)
def test_a_file_that_cannot_be_imported(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.py"
    file.write_text(text, encoding="utf-8")
    assert message in error_of(capsys, ["--code", str(file), "methods"])


def test_no_file_of_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no file" in error_of(capsys, ["--code", str(tmp_path / "own.py"), "methods"])
    notes = tmp_path / "notes.txt"
    notes.write_text("", encoding="utf-8")
    assert "is not a Python file" in error_of(capsys, ["--code", str(notes), "methods"])


def test_the_option_stands_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    expected = "uegr: --code stands before the command: uegr --code FILE compare ...\n"
    assert error_of(capsys, ["compare", "grid.yaml", "--code", "own.py"]) == expected


def test_a_method_that_is_not_imported(capsys: pytest.CaptureFixture[str]) -> None:
    assert "with uegr --code FILE" in error_of(capsys, ["methods", "own"])


def test_the_processes_of_a_grid_import_the_file(own_method: Path, model_folder: Path, tmp_path: Path) -> None:
    import_code(own_method)
    reviews(40).to_csv(tmp_path / "reviews.csv", index=False)
    defaults = {"max_steps": 1, "precision": "fp32", "epsilons": [0], "attack_examples": 2}
    task = {"name": "reviews", "train_file": str(tmp_path / "reviews.csv")}
    content = {"methods": ["own", "plain"], "tasks": [task], "models": [str(model_folder)], "defaults": defaults}
    grid, where = make_grid({**content, "seeds": 1}, "g"), workspace(tmp_path)
    run_grid(grid, where, Processes(2))
    assert [run["method"] for cell in grid.cells if (run := where.results.find(cell))] == ["own", "plain"]


def test_changed_code_is_another_run(own_method: Path, tmp_path: Path, model_folder: Path) -> None:
    def contents() -> list[object]:
        grid = make_grid({"methods": ["own", "own+sam", "plain"], "tasks": ["trec"], "seeds": 1}, "g")
        return [cell.content() for cell in grid.cells]

    import_code(own_method)
    before = contents()
    changed = tmp_path / "changed.py"
    changed.write_text(own_method.read_text(encoding="utf-8") + "# changed", encoding="utf-8")
    import_code(changed)
    assert [former == now for former, now in zip(before, contents(), strict=True)] == [False, False, True]


def test_a_method_that_is_registered_again_makes_other_pairs(own_method: Path, tmp_path: Path) -> None:
    """As a cell of a notebook that runs again."""
    import_code(own_method)
    before = make_config("own+sam").forward
    again = tmp_path / "again.py"
    again.write_text(own_method.read_text(encoding="utf-8"), encoding="utf-8")
    import_code(again)
    assert make_config("own+sam").forward is make_config("own").forward is not before


def test_a_run_is_measured_without_the_code_of_its_method(
    own_method: Path, train_file: Path, model_folder: Path, tmp_path: Path
) -> None:
    folder = str(tmp_path / "run")
    source = ["--train_file", str(train_file), "--model_name_or_path", str(model_folder), "--precision", "fp32"]
    training = ["train", "--method", "own", "--max_steps", "1", "--views", "characters:0.3", *source]
    assert run(["--code", str(own_method), *training, "--output_dir", folder]) == 0
    METHODS.pop("own")
    assert run(["evaluate", folder, "--epsilons", "0", "--attack_examples", "2"]) == 0
    assert run(["attack", folder, "--attack", "deepwordbug", "--examples", "2"]) == 0
    assert read_results(Path(folder))[0].text_attacks[0].trained_on
