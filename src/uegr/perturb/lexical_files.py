"""Lists of words in the folder of data: synonyms and misspellings."""

from pathlib import Path

from uegr.data.data_folder import uegr_data


def lexical_file(name: str) -> Path | None:
    """The file of this name in $UEGR_DATA/lexical, or None where it does not exist."""
    data = uegr_data()
    path = None if data is None else data / "lexical" / name
    return path if path is not None and path.is_file() else None
