"""Lists of words in the folder of data: synonyms and misspellings."""

import os
from pathlib import Path


def lexical_file(name: str) -> Path | None:
    """The file of this name in $UEGR_DATA/lexical, or None where it does not exist."""
    if "UEGR_DATA" not in os.environ:
        return None
    path = Path(os.environ["UEGR_DATA"]) / "lexical" / name
    return path if path.is_file() else None
