"""The folder of data on this machine, which the environment variable UEGR_DATA names."""

import os
from pathlib import Path

from uegr.errors import UsageError

VARIABLE = "UEGR_DATA"


def uegr_data() -> Path | None:
    """The folder; None where the variable is not set, or empty.

    Raises:
        UsageError: there is no such folder. Without this error, the data would silently come from elsewhere.
    """
    named = os.environ.get(VARIABLE, "")
    if not named:
        return None
    folder = Path(os.path.expanduser(named))  # a .env file leaves ~ as it is
    if not folder.is_dir():
        raise UsageError(f"{VARIABLE} is '{named}', which is not a folder: correct the variable, or unset it.")
    return folder
