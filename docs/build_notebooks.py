"""Write the notebooks of the tutorials that have one, from their pages.

    make notebooks

Prose becomes a Markdown cell, a block of Python a code cell, a block of commands a cell of `!` lines. A script that a
page includes is run in place of being shown again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "tutorials"
NOTEBOOKS = ("own_csv", "guard")
BLOCK = re.compile(r"^```(python|bash|\{\.python\})\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
INCLUDED = re.compile(r'--8<-- "(.*)"')
START = ("# Run from the root of a clone.", "%cd -q ../..")


def build_notebook(name: str) -> str:
    """Return the notebook of a tutorial as JSON, without outputs."""
    page = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    title, _, rest = page.partition("\n")
    parts = BLOCK.split(rest)  # prose, language, code, prose, language, code, ..., prose
    cells = [cell("markdown", title), cell("code", "\n".join(START)), cell("markdown", parts[0])]
    for language, code, prose in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        cells += [cell("code", code_of(language, code)), cell("markdown", prose)]
    filled = [content for content in cells if content["source"]]
    for number, content in enumerate(filled):
        content["id"] = f"cell-{number}"
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": filled, "metadata": {"kernelspec": python}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def cell(kind: str, text: str) -> dict[str, Any]:
    """A cell of a notebook."""
    content: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": text.strip().splitlines(keepends=True)}
    return content | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def code_of(language: str, code: str) -> str:
    """A block of a page as a code cell."""
    included = INCLUDED.search(code)
    if included:
        return f"%run {included[1]}"
    return re.sub("^uegr ", "!uegr ", code, flags=re.MULTILINE) if language == "bash" else code


if __name__ == "__main__":
    for notebook_name in NOTEBOOKS:
        (FOLDER / f"{notebook_name}.ipynb").write_text(build_notebook(notebook_name), encoding="utf-8")
