"""Typing errors in a whole data set, the same for every model that is asked."""

from __future__ import annotations

import random
from collections.abc import Sequence

from datasets import Dataset

from uegr.errors import UsageError
from uegr.perturb.misspellings import with_typos


def check_typo_rate(rate: float) -> None:
    """Raise a UsageError where this is no probability of an error a word."""
    if not 0.0 < rate <= 1.0:
        raise UsageError(f"the rate of typing errors must lie in (0, 1], not {rate}.")


def typo_rows(rows: Dataset, text_columns: Sequence[str], rate: float, seed: int = 0) -> Dataset:
    """The rows with typing errors in their text, each word of three letters or more with probability `rate`."""
    check_typo_rate(rate)

    def spoil(row: dict[str, str], at: int) -> dict[str, str]:
        generator = random.Random(f"{seed}:{at}")
        return {column: with_typos(str(row[column]), rate, generator) for column in text_columns}

    return rows.map(spoil, with_indices=True, keep_in_memory=True)
