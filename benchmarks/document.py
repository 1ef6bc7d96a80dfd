"""Generated tables inside documents: between two marks, never edited by hand."""

from __future__ import annotations

from pathlib import Path

from uegr.atomic_files import write_text


def with_block(text: str, name: str, content: str) -> str:
    """The text with `content` between `<!-- name: begin -->` and `<!-- name: end -->`."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, after = text[: text.index(begin) + len(begin)], text[text.index(end) :]
    return f"{before}\n{content}\n{after}"


def replace_block(document: Path, name: str, content: str) -> None:
    """Put `content` between the two marks of a document."""
    write_text(document, with_block(document.read_text(), name, content))
