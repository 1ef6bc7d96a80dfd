"""The console that every command prints to, and the progress of long commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID

console = Console()


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
                bar_of[stage] = bars.add_task(stage, total=total)
            bars.update(bar_of[stage], completed=done)

        yield move_bar


def _progress_lines() -> OnProgress:
    """Print one line when a stage begins and one for each tenth of it, such as "training uegr: 38 of 114 steps"."""
    printed: dict[str, int] = {}

    def print_line(stage: str, done: int, total: int, unit: str = "examples") -> None:
        tenth = 10 * done // max(total, 1)
        if printed.get(stage) != tenth:
            printed[stage] = tenth
            console.print(f"{stage}: {done:,} of {total:,} {unit}", markup=False, highlight=False, soft_wrap=True)

    return print_line
