"""Paths in YAML files, whose ~ and $VARIABLES no shell has expanded."""

import os
import re

from uegr.errors import UsageError


def expanded_path(name: str, value: str) -> str:
    """The path as a shell would read it.

    Args:
        name: of the option, for the error.
        value: the path.

    Raises:
        UsageError: a variable in it is not set. A folder with such a name would be made where nobody looks for it.
    """
    path = os.path.expandvars(os.path.expanduser(value))
    if missing := re.search(r"\$\{?(\w+)", path):
        raise UsageError(
            f"{name} '{value}' needs the environment variable {missing[1]}: set it to a folder, or write the path."
        )
    return path
