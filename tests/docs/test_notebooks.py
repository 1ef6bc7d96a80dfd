"""The notebooks are what `make notebooks` writes from the pages of the tutorials, whose code the tests run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import build_notebooks  # noqa: E402


@pytest.mark.parametrize("name", build_notebooks.NOTEBOOKS)
def test_a_notebook_is_what_make_notebooks_writes(name: str) -> None:
    path = DOCS / "tutorials" / f"{name}.ipynb"
    assert path.read_text(encoding="utf-8") == build_notebooks.build_notebook(name)


@pytest.mark.parametrize("name", build_notebooks.NOTEBOOKS)
def test_a_notebook_is_valid_and_has_no_outputs(name: str) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat: make docs")
    notebook = nbformat.reads(build_notebooks.build_notebook(name), as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []


@pytest.mark.parametrize("name", build_notebooks.NOTEBOOKS)
def test_a_notebook_has_every_block_of_its_page(name: str) -> None:
    page = (DOCS / "tutorials" / f"{name}.md").read_text(encoding="utf-8")
    cells = json.loads(build_notebooks.build_notebook(name))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    blocks = sum(page.count(f"```{language}\n") for language in ("python", "bash", "{.python}"))
    assert len(code) == blocks + 1  # and the line that goes to the root
