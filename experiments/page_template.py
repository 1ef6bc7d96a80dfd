"""The text of a page with {{names}} where generated tables go."""

from __future__ import annotations

import re
from collections.abc import Mapping

from experiments.paths import EXPERIMENTS


def filled_template(name: str, parts: Mapping[str, str]) -> str:
    """The text of a template in experiments/, with each {{name}} replaced by its part."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], (EXPERIMENTS / name).read_text())
