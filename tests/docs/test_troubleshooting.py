"""Every message that the page of troubleshooting quotes can be said, and it quotes all that `check` refuses."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
CHECKED = (
    *("activation_checkpointing", "dropout_sites", "embeddings", "model_wrappers", "perturbed_pass"),
    *("tokenizer_match", "weight_dtypes"),
)
"""Modules whose UsageErrors are lines of a check."""
ANY = "\0"


def template(node: ast.AST) -> str:
    """A text of the source, with `ANY` in the place of what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ANY


def templates(path: Path) -> list[str]:
    """Every text of a file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [template(node) for node in nodes if isinstance(node, (ast.JoinedStr, ast.Constant))]


def quotes(quoted: str, text: str) -> bool:
    """Whether the text can contain what is quoted, where `...` stands for something that is filled in."""
    parts = [re.escape(part.strip(" ")) for part in quoted.split("...")]
    return re.search(f"[ '{ANY}]*(?:{ANY}|\\.\\.\\.)[ '{ANY}]*".join(parts), text) is not None


TEXTS = [text for path in sorted((ROOT / "src" / "uegr").rglob("*.py")) for text in templates(path)]


@pytest.mark.parametrize("quoted", QUOTED)
def test_a_quoted_message_is_in_the_source(quoted: str) -> None:
    assert any(quotes(quoted, text) for text in TEXTS)


@pytest.mark.parametrize("module", CHECKED)
def test_every_refusal_of_check_is_quoted(module: str) -> None:
    tree = ast.parse((ROOT / "src" / "uegr" / "modeling" / f"{module}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "UsageError"]
    refusals = [template(call.args[0]) for call in calls]
    assert refusals
    assert [text for text in refusals if not any(quotes(quoted, text) for quoted in QUOTED)] == []


def test_a_message_that_nobody_says_is_noticed() -> None:
    assert not any(quotes("the weights are tired at step ...", text) for text in TEXTS)
