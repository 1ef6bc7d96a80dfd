"""Parts of a classifier's data, by class, length and unseen words, and the accuracy on each."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.data.splits import LABEL
from uegr.perturb.words import words_of

Members = NDArray[np.bool_]
Slices = dict[str, Members]
"""Name of a slice -> whether each text belongs to it, shape (N,)."""
CLASS = "class "
"""Begins the name of the slice of a class."""
LENGTHS = (0, 10, 20, 40, 80)
"""Where the slices by number of words begin."""
UNSEEN = {"up to 10 %": (0.0, 0.1), "10 to 25 %": (0.1, 0.25), "more than 25 %": (0.25, 1.0)}
"""Slices by share of unseen words: more than the first number, at most the second."""
SMALLEST = 20
"""A slice of fewer texts is too small to be called weak."""


def known_words(rows: Dataset, text_columns: Sequence[str]) -> set[str]:
    """Return every word of the rows, in lower case."""
    return {word.lower() for column in text_columns for text in rows[column] for word in words_of(str(text))}


def slices_of(rows: Dataset, text_column: str, names: Sequence[str], known: Collection[str] | None = None) -> Slices:
    """Return the slices of N rows of a classifier.

    Args:
        rows: text and "label".
        text_column: the column whose words are counted.
        names: of the classes.
        known: the words of the training texts, in lower case; None makes no slices by unseen words.
    """
    words = [words_of(str(text)) for text in rows[text_column]]
    labels = np.asarray(rows[LABEL][:])
    slices: Slices = {f"{CLASS}{name}": labels == index for index, name in enumerate(names)}
    lengths = np.array([len(words_of_text) for words_of_text in words])
    for low, high in zip(LENGTHS, (*LENGTHS[1:], None), strict=True):
        name = f"{low} words or more" if high is None else f"{low} to {high - 1} words"
        slices[name] = (lengths >= low) & (lengths < (high or np.inf))
    return slices if known is None else {**slices, **_by_unseen_words(words, known)}


def slice_scores(slices: Slices, **counted: Members) -> list[dict[str, Any]]:
    """Return one object per slice that has texts: its name, its number of texts, and shares of them.

    Args:
        slices: of N texts.
        counted: name of a share -> the texts that count for it, shape (N,).
    """
    return [
        {
            "slice": name,
            "examples": int(members.sum()),
            **{share: float(hits[members].mean()) for share, hits in counted.items()},
        }
        for name, members in slices.items()
        if members.any()
    ]


def _by_unseen_words(words: Sequence[Sequence[str]], known: Collection[str]) -> Slices:
    shares = np.array([np.mean([word.lower() not in known for word in text]) if text else 0.0 for text in words])
    return {
        "no unseen word": shares == 0,
        **{f"{name} unseen words": (shares > low) & (shares <= high) for name, (low, high) in UNSEEN.items()},
    }
