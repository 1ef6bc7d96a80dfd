"""Typing errors in a whole data set, the same for every model."""

import random
from collections.abc import Sequence

from datasets import Dataset

from uegr.errors import UsageError
from uegr.options import check_value, own_number
from uegr.perturb.typing_errors import with_typos
from uegr.perturb.words import changeable_length, words_of


def check_typo_rate(rate: float) -> None:
    """Raise a UsageError if `rate` is not a probability of an error per word."""
    check_value("typo_rate", own_number(rate), float)
    if not 0.0 < rate <= 1.0:
        raise UsageError(f"the rate of typing errors must lie in (0, 1], not {rate}.")


def typo_rows(rows: Dataset, text_columns: Sequence[str], rate: float) -> Dataset:
    """The rows with typing errors in their text, in each word of three letters or more with probability `rate`."""
    check_typo_rate(rate)

    def add_typos(row: dict[str, str], index: int) -> dict[str, str]:
        generator = random.Random(f"0:{index}")
        return {column: with_typos(str(row[column]), rate, generator) for column in text_columns}

    return rows.map(add_typos, with_indices=True, keep_in_memory=True)


def rows_without_typos(rows: Dataset, text_columns: Sequence[str]) -> int:
    """The number of rows in which no word can get a typing error."""
    texts = (" ".join(map(str, row.values())) for row in rows.select_columns(list(text_columns)))
    return sum(not any(map(changeable_length, words_of(text))) for text in texts)
