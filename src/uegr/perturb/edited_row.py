"""A row of token ids after its edits: for each token, which original token it stands for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Change: TypeAlias = tuple[int, int, list[int]]
"""Start and end of a span of a row, and the tokens that take its place."""


@dataclass(frozen=True)
class EditedRow:
    """A row of token ids after its edits.

    Args:
        ids: the tokens.
        source: for each token the index of a token of the original row: its own, or the first of the word it replaces.
        kept: for each token whether it is the original token itself.
    """

    ids: list[int]
    source: list[int]
    kept: list[bool]

    @classmethod
    def unedited(cls, ids: Sequence[int]) -> "EditedRow":
        """A row before its first edit."""
        return cls(list(ids), list(range(len(ids))), [True] * len(ids))

    def with_changes(self, changes: Iterable[Change], longest: int, *, cut: bool = False) -> "EditedRow":
        """A new row with other tokens in place of some spans.

        Args:
            changes: from left to right.
            longest: largest number of tokens of the new row, unless this row is longer.
            cut: cut a change that would make the row too long; otherwise the change is left out.
        """
        ids: list[int] = []
        source: list[int] = []
        kept: list[bool] = []
        done, room = 0, max(longest - len(self.ids), 0)
        for start, end, new_tokens in changes:
            tokens = new_tokens[: room + end - start] if cut else new_tokens
            growth = len(tokens) - (end - start)
            if growth > room:
                continue
            room -= growth
            ids += [*self.ids[done:start], *tokens]
            source += [*self.source[done:start], *[self.source[start]] * len(tokens)]
            kept += [*self.kept[done:start], *[False] * len(tokens)]
            done = end
        return EditedRow(ids + self.ids[done:], source + self.source[done:], kept + self.kept[done:])
