"""Tables inside documents: written between two marks, never by hand; and their numbers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from uegr.atomic_files import write_text
from uegr.evaluation.statistics import Estimate


def replace_block(document: Path, name: str, content: str) -> None:
    """Put `content` between `<!-- name: begin -->` and `<!-- name: end -->` of a document."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = document.read_text()
    before, after = text[: text.index(begin) + len(begin)], text[text.index(end) :]
    write_text(document, f"{before}\n{content}\n{after}")


def spread(values: Sequence[float], digits: int) -> str:
    """Mean ± standard deviation; the mean alone of a single value."""
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{deviation}"


def signed(one: Estimate, scale: int = 100, digits: int = 1) -> str:
    """A mean difference with its 95 % interval; the difference alone of a single value."""
    mean, low, high = (f"{scale * value:+.{digits}f}" for value in (one.mean, one.low, one.high))
    return mean if one.count < 2 else f"{mean} [{low}, {high}]"
