"""hardening_texts.npy: hashes of the texts that a model was hardened on, to count them among the evaluation texts.

`uegr harden` writes it beside the model, and a run that starts from that folder keeps a copy: 8 bytes per text. Folders
of earlier versions have none, and nothing is counted.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.data.overlap import Hashes, text_hashes
from uegr.errors import UsageError

HARDENING_TEXTS = "hardening_texts.npy"


def read_hardening_texts(folder: Path | None) -> Hashes | None:
    """Return the hashes in the folder of a model or of a run; None if it has none.

    Raises:
        UsageError: the file is damaged.
    """
    if folder is None or not (file := folder / HARDENING_TEXTS).is_file():
        return None
    try:
        hashes: NDArray[np.uint64] = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"'{file}' is damaged ({error}): harden again, or remove it to count nothing.") from error
    if not isinstance(hashes, np.ndarray) or hashes.dtype != np.uint64 or hashes.ndim != 1:
        raise UsageError(f"'{file}' does not hold a list of hashes: harden again, or remove it to count nothing.")
    return hashes


def write_hardening_texts(folder: Path, hashes: Hashes | None) -> None:
    """Write the hashes into a folder, if there are any."""
    if hashes is not None:
        np.save(folder / HARDENING_TEXTS, hashes, allow_pickle=False)


def hardening_overlap(folder: Path, rows: Dataset, columns: Sequence[str]) -> dict[str, int]:
    """Count the rows with a text that the model was hardened on, as {"hardening": ...}; empty if that is not known.

    Texts are equal as in `uegr.data.overlap`. A hardening reads both texts of a pair as texts of their own.

    Args:
        folder: of the run.
        rows: the evaluation texts.
        columns: their columns of text.
    """
    hashes = read_hardening_texts(folder)
    if hashes is None:
        return {}
    is_in_one = [np.isin(text_hashes(rows, [column]), hashes) for column in columns]
    return {"hardening": int(np.logical_or.reduce(is_in_one).sum())}
