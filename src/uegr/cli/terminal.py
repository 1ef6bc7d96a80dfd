"""The console that every command prints to, and the progress of long commands."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console, ConsoleDimensions
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, TaskID
from rich.text import Text

from uegr.training.processes import is_first_process

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, which move the cursor or recolour a terminal, direction overrides, and halves of pairs."""


NARROWEST, USUAL = 20, 80
"""Columns: 80 are used on a terminal that reports fewer than 20. With COLUMNS=0, which some programs set where there is
no terminal, rich would print nothing."""


class PlainConsole(Console):
    """Prints texts from outside as they are: no markup, no control sequences, in tables as well."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(CONTROL.sub("\ufffd", text), **options)

    @property
    def size(self) -> ConsoleDimensions:
        width, height = super().size
        return ConsoleDimensions(width if width >= NARROWEST else USUAL, height)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def on_broken_pipe(self) -> None:
        """Discard further output: `uegr train ... | head` neither stops the training nor changes its exit code."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def without_control(record: logging.LogRecord) -> bool:
    """A filter of the log that removes control sequences from a message, which may quote a file or a folder."""
    record.msg, record.args = CONTROL.sub("\ufffd", record.getMessage()), None
    return True


console = PlainConsole(quiet=not is_first_process())


class OnProgress(Protocol):
    """Called with the name of a stage, how much of it is done, how much there is, and in which unit."""

    def __call__(self, stage: str, done: int, total: int, unit: str = "examples") -> None: ...


@contextmanager
def progress() -> Iterator[OnProgress]:
    """Show the progress of each stage: as bars on a terminal, as plain lines in a pipe or a log file."""
    if not console.is_terminal:
        yield _progress_lines()
        return
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as bars:
        bar_of: dict[str, TaskID] = {}

        def move_bar(stage: str, done: int, total: int, unit: str = "examples") -> None:
            if stage not in bar_of:
                bar_of[stage] = bars.add_task(escape(CONTROL.sub("\ufffd", stage)), total=total)
            bars.update(bar_of[stage], completed=done)

        yield move_bar


def _progress_lines() -> OnProgress:
    """Print one line when a stage begins and one for each tenth of it, such as "training uegr: 38 of 114 steps"."""
    printed: dict[str, int] = {}

    def print_line(stage: str, done: int, total: int, unit: str = "examples") -> None:
        tenth = 10 * done // max(total, 1)
        if printed.get(stage) != tenth:
            printed[stage] = tenth
            console.print(f"{stage}: {done:,} of {total:,} {unit}", highlight=False, soft_wrap=True)

    return print_line
