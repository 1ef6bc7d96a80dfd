"""The folder of the cache, or a temporary one if it cannot be written.

It cannot be written in a container without a home, or if the cache belongs to another user or is on a read-only volume.
Such a cache is not read either: `datasets` writes the results of a cast beside the file that they are made from.
"""

import atexit
import logging
import shutil
import tempfile
from functools import cache
from pathlib import Path

from uegr.errors import UsageError

logger = logging.getLogger("uegr")


@cache
def writable_folder(folder: Path) -> Path:
    """Return the folder, or else a new one that is removed when this process ends; the log says so, once.

    Raises:
        UsageError: no temporary folder can be written either.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    try:
        temporary = Path(tempfile.mkdtemp(prefix="uegr-cache-"))
    except OSError:
        raise UsageError(
            f"neither the cache '{folder}' ({reason}) nor a temporary folder can be written: set HF_DATASETS_CACHE to "
            "a writable folder."
        ) from None
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    logger.warning(
        "the cache '%s' cannot be written (%s), and a temporary folder is used instead: set HF_DATASETS_CACHE to a "
        "writable folder, to keep what is read and tokenised",
        folder,
        reason,
    )
    return temporary
