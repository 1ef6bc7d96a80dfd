"""What is odd about a data set, one counted line each: the run goes on, and the user knows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the data report.

    Args:
        kind: a short name, for machines: "encoding", "nul", "duplicates", ...
        count: how many there are.
        what: what they are and what was done about it.
    """

    kind: str
    count: int
    what: str

    def __str__(self) -> str:
        return f"{self.count:,} {self.what}"
