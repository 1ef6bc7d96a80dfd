"""Files that are never half written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write beside the place, then move: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.partial")
    staged.write_text(text, encoding="utf-8")
    os.replace(staged, path)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, in one move."""
    write_text(path, json.dumps(content, indent=2) + "\n")
