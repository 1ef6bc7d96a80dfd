"""The rules of the source tree: layers, names of files and functions, and a cheap `import uegr`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import uegr

SOURCE = Path(uegr.__file__).parent
LAYERS = [
    "data",
    "modeling",
    "perturb",
    "forward",
    "backward",
    "methods",
    "training",
    "evaluation",
    "runs",
    "compare",
    "report",
    "playground",
    "cli",
]
"""A module may import from its own layer and from those before it in this list."""
FOR_ALL = ["errors", "atomic_files", "libraries", "locked_files", "options"]
"""Modules outside the layers that every layer may import; they import no layer."""
ABOVE_ALL = ["__init__", "__main__", "demo"]
"""Modules outside the layers that may import every layer; they are imported by `cli` alone."""


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(SOURCE.rglob("*.py"))


def layer_of(module: str) -> str:
    """The first name below `uegr`, such as "forward" of "uegr.forward.uegr"."""
    return module.split(".")[1] if "." in module else "__init__"


def imports_of(path: Path) -> Iterator[str]:
    """The modules of the package that a module imports, also inside functions; type-checking blocks left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    only_for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in only_for_types:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            # `from uegr import __version__` is for all; any other name comes from a layer.
            only_version = node.module == "uegr" and {alias.name for alias in node.names} == {"__version__"}
            names = [] if only_version else [node.module or ""]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name for name in names if name.split(".")[0] == "uegr")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_import_runs_upward(path: Path) -> None:
    own = path.relative_to(SOURCE).with_suffix("").parts[0]
    assert own in (*LAYERS, *FOR_ALL, *ABOVE_ALL), "a new folder or module: give it a place in the list"
    if own in ABOVE_ALL:
        return
    allowed = FOR_ALL if own in FOR_ALL else [*FOR_ALL, *LAYERS[: LAYERS.index(own) + 1]]
    if own == "cli":
        allowed = [*allowed, *ABOVE_ALL]
    upward = [name for name in imports_of(path) if layer_of(name) not in allowed]
    assert not upward, f"{own} must not import {upward}"


def test_a_file_name_occurs_once() -> None:
    """Except in cli/, which mirrors the verbs, and a method's file in forward/ and in backward/."""
    places: dict[str, list[str]] = {}
    for path in modules():
        layer = path.relative_to(SOURCE).parts[0]
        if path.stem != "__init__" and layer != "cli":
            places.setdefault(path.stem, []).append(layer)
    twice = {name: layers for name, layers in places.items() if len(layers) > 1}
    assert all(sorted(layers) == ["backward", "forward"] for layers in twice.values()), twice


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if path.parent.name != "cli"],  # a command is a function in the file of its verb
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_no_function_or_class_has_the_name_of_its_module(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assert path.stem not in {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_names_of_test_files_are_those_of_the_source() -> None:
    """tests/forward/test_smart.py tests src/uegr/forward/smart.py."""
    tests = Path(__file__).parent
    combined = {
        "backward/test_backward_stages.py",
        "methods/test_training_loops.py",
        "methods/test_lightning.py",
        "modeling/test_layouts_of_embeddings.py",
        "modeling/task_kinds/test_problem_type.py",
    }
    for layer in ("forward", "backward", "methods", "modeling"):
        for path in (tests / layer).rglob("test_*.py"):
            relative = path.relative_to(tests)
            source = SOURCE / relative.parent / f"{path.stem.removeprefix('test_')}.py"
            assert source.exists() or str(relative) in combined, relative


def test_uegrs_forward_stage_fits_a_hundred_lines() -> None:
    """It is the file that a reader is sent to; how its passes are executed stands elsewhere."""
    assert len((SOURCE / "forward" / "uegr.py").read_text(encoding="utf-8").splitlines()) <= 100


def run_python(program: str) -> str:
    """What a fresh interpreter prints."""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return process.stdout.strip()


def test_import_does_not_load_torch() -> None:
    heavy = "torch", "transformers", "datasets", "pandas", "matplotlib", "scipy", "sklearn"
    assert run_python(f"import sys, uegr; print([name for name in {heavy} if name in sys.modules])") == "[]"


def test_every_public_name_resolves_and_is_listed() -> None:
    for name in uegr.__all__:
        assert getattr(uegr, name) is not None
        assert name in dir(uegr)
    assert not [name for name, count in Counter(uegr.__all__).items() if count > 1]
    assert {config_class.__name__ for config_class in uegr.METHODS.values()} <= set(uegr.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'uegr' has no attribute 'UEGR'"):
        _ = uegr.UEGR
