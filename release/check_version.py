"""Refuse a release whose tag, version, changelog and citation do not agree.

python release/check_version.py            # the tag of the commit that is checked out
python release/check_version.py v0.2.0
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def problems(root: Path, tag: str | None) -> list[str]:
    """What must be put right before a release, one sentence each.

    Args:
        root: folder of the repository.
        tag: of the commit; None: it has none.
    """
    version = first(r'^__version__ = "(.+)"$', root / "src" / "uegr" / "__init__.py")
    cited = first(r"^version: (.+)$", root / "CITATION.cff")
    changelog = root / "CHANGELOG.md"
    wrong = []
    if tag is None:
        wrong.append(f"the commit has no tag: git tag v{version}.")
    elif tag != f"v{version}":
        wrong.append(f"the tag is {tag}, and uegr.__version__ is {version}: one of them is wrong.")
    if cited != version:
        wrong.append(f"CITATION.cff names version {cited}, and not {version}.")
    if first(rf"^## ({re.escape(version)})\b", changelog) != version:
        wrong.append(f"CHANGELOG.md has no heading '## {version}': rename '## Unreleased'.")
    if first(r"^## Unreleased\n+([^#\s].*|### .*)$", changelog):
        wrong.append("CHANGELOG.md has entries under '## Unreleased': move them to the version.")
    return wrong


def first(pattern: str, path: Path) -> str:
    """The first group of the first match in a file; empty if there is none."""
    match = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else ""


def tag_of_commit() -> str | None:
    """The tag of the commit that is checked out."""
    command = ["git", "describe", "--tags", "--exact-match", "--match", "v*"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return process.stdout.strip() or None


if __name__ == "__main__":
    tag = sys.argv[1] if len(sys.argv) > 1 else tag_of_commit()
    for problem in problems(ROOT, tag):
        print(f"release: {problem}", file=sys.stderr)
    sys.exit(2 if problems(ROOT, tag) else 0)
