"""Typing errors in a whole data set, the same for every model."""

import random
from collections.abc import Sequence

from datasets import Dataset

from uegr.errors import UsageError
from uegr.perturb.misspellings import with_typos


def check_typo_rate(rate: float) -> None:
    """Raise a UsageError if `rate` is not a probability of an error per word."""
    if not 0.0 < rate <= 1.0:
        raise UsageError(f"the rate of typing errors must lie in (0, 1], not {rate}.")


def typo_rows(rows: Dataset, text_columns: Sequence[str], rate: float, seed: int = 0) -> Dataset:
    """The rows with typing errors in their text, in each word of three letters or more with probability `rate`."""
    check_typo_rate(rate)

    def add_typos(row: dict[str, str], index: int) -> dict[str, str]:
        generator = random.Random(f"{seed}:{index}")
        return {column: with_typos(str(row[column]), rate, generator) for column in text_columns}

    return rows.map(add_typos, with_indices=True, keep_in_memory=True)


def unchanged_rows(rows: Dataset, changed: Dataset, text_columns: Sequence[str]) -> int:
    """The number of rows whose texts a perturbation has left as they are."""
    pairs = zip(rows.select_columns(list(text_columns)), changed.select_columns(list(text_columns)), strict=True)
    return sum(before == after for before, after in pairs)
