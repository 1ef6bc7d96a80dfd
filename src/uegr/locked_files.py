"""Replace and remove files that another process may have open.

Windows refuses both with a PermissionError, mostly for a moment: while another process reads the file, or a scanner for
viruses does.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger("uegr")
REMOVED = ".removed-"
"""Beginning of the name of a folder that is being removed."""
PAUSES = (0.05, 0.1, 0.15, 0.3, 0.4)
"""Seconds before each new try: a second in all, after which the error is taken to be real."""


def replace_file(source: Path, target: Path) -> None:
    """Rename `source` to `target`, and replace a file that is there; see `when_released`."""
    when_released(lambda: os.replace(source, target))


def remove_folder(folder: Path) -> None:
    """Remove a folder and all that is in it; see `when_released`."""
    when_released(lambda: shutil.rmtree(folder))


def remove_finished(folder: Path) -> None:
    """Remove a folder that is no longer needed; if that is not possible, the log says so, and nothing is raised.

    It is first renamed, in one step, so that a kill leaves no half of it under its name. Of a link to a folder only the
    link is removed.
    """
    aside = folder.with_name(f"{REMOVED}{folder.name.removeprefix(REMOVED)}")
    try:
        if folder.is_symlink():
            folder.unlink()
            return
        if aside != folder and folder.exists():
            shutil.rmtree(aside, ignore_errors=True)
            replace_file(folder, aside)
        if aside.exists():
            remove_folder(aside)
    except OSError as error:
        left = folder if folder.exists() else aside
        logger.warning("%s could not be removed (%s): it is no longer needed, so delete it yourself", left, error)


def finish_removals(folder: Path) -> None:
    """Remove what removals of folders in `folder` have left that a kill has interrupted."""
    for rest in folder.glob(f"{REMOVED}*"):
        remove_finished(rest)


def when_released(change: Callable[[], object]) -> None:
    """Call `change`, and again after each of `PAUSES` while it raises a PermissionError; the last one is raised."""
    for pause in PAUSES:
        try:
            change()
            return
        except PermissionError:
            time.sleep(pause)
    change()
