"""Find the texts of one data set that are also, exactly or nearly, in another.

Exact: equal except for case, punctuation and spacing. Near: the sets of word pairs of two texts have a Jaccard
similarity of at least `NEAR`; in a sentence of ten words one word may differ. In scripts that are written without
spaces between words, such as Chinese, every character counts as a word. Candidate pairs are found by MinHash with
banding (Broder 1997; Leskovec, Rajaraman & Ullman, ch. 3) and then compared, so that every reported pair is a real one;
a pair at the threshold is missed with a probability of 1.2 % (similarity 0.7: 0.02 %).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from numpy.typing import NDArray

from uegr.data.arrow_cache import arrow_batches
from uegr.data.unspaced_scripts import UNSPACED

NEAR = 0.6
BANDS, ROWS = 32, 4
"""Two texts are compared if all `ROWS` minima of a band are equal, which happens with probability 1 - (1 - J^4)^32."""
MOST_COMPARED = 100
"""Largest number of candidates compared per text and band; only boilerplate texts have more."""

NO_CONTENT = r"(?:[^\p{L}\p{N}\p{M}\p{So}\p{Sm}\p{Sc}\x{1F3FB}-\x{1F3FF}]|[\x{FE00}-\x{FE0F}])+"
"""Everything but letters with their marks, digits, emoji, and signs such as + and $."""

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Overlap:
    """The part of an evaluation set that is in the training data.

    Args:
        exact: whether each of the N evaluation texts has an equal training text.
        near: whether it has an equal or nearly equal one.
    """

    exact: NDArray[np.bool_]
    near: NDArray[np.bool_]

    def summary(self) -> dict[str, float | int]:
        """Return the counts, and the threshold of near, for results.json."""
        return {
            "examples": len(self.exact),
            "exact": int(self.exact.sum()),
            "near": int(self.near.sum()),
            "similarity": NEAR,
        }


def text_hashes(rows: Dataset, columns: Sequence[str]) -> Hashes:
    """Return a hash of the normalised text of each row, shape (N,)."""
    parts = [
        pd.util.hash_array(normalised(table, columns).to_numpy(zero_copy_only=False))
        for table in arrow_batches(rows, columns)
    ]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def find_overlap(train: Dataset, train_columns: Sequence[str], rows: Dataset, columns: Sequence[str]) -> Overlap:
    """Compare every text of `rows` with every training text; of text pairs, both texts together are compared."""
    exact = np.isin(text_hashes(rows, columns), text_hashes(train, train_columns))
    near = exact.copy()
    if not (len(train) and len(rows)):
        return Overlap(exact, near)
    for train_keys, keys in zip(_band_keys(train, train_columns), _band_keys(rows, columns), strict=True):
        order = np.argsort(train_keys, kind="stable")
        first = np.searchsorted(train_keys[order], keys, side="left")
        last = np.searchsorted(train_keys[order], keys, side="right")
        undecided = np.flatnonzero((last > first) & ~near)
        if not len(undecided):
            continue
        candidates = [order[first[row] : last[row]][:MOST_COMPARED] for row in undecided]
        needed = np.unique(np.concatenate(candidates))
        train_shingles = _Shingles.of(train.select(needed), train_columns)
        shingles = _Shingles.of(rows.select(undecided), columns)
        for i, row in enumerate(undecided):
            positions = np.searchsorted(needed, candidates[i])
            near[row] = any(_jaccard(shingles[i], train_shingles[position]) >= NEAR for position in positions)
    return Overlap(exact, near)


def normalised(table: pa.Table, columns: Sequence[str]) -> pa.Array:
    """Join the texts of the columns, in lower case, without punctuation and with single spaces.

    A text of nothing but punctuation, such as ":)", stays as it is.
    """
    texts = [pc.utf8_normalize(pc.fill_null(table[column].combine_chunks(), ""), "NFC") for column in columns]
    joined = pc.utf8_lower(pc.binary_join_element_wise(*texts, " | ") if len(texts) > 1 else texts[0])
    kept = pc.utf8_trim_whitespace(pc.replace_substring_regex(joined, NO_CONTENT, " "))
    return pc.if_else(pc.equal(kept, ""), pc.utf8_trim_whitespace(joined), kept)


@dataclass(frozen=True)
class _Shingles:
    """Hashes of the word pairs of all texts, concatenated. The beginning and the end of a text count as words.

    Args:
        flat: all hashes.
        starts: index of the first hash of each of the N texts, and the total number, (N + 1,).
    """

    flat: Hashes
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Dataset, columns: Sequence[str]) -> _Shingles:
        parts = [cls.of_table(table, columns) for table in arrow_batches(rows, columns)]
        lengths = [np.diff(part.starts) for part in parts]
        return cls(np.concatenate([part.flat for part in parts]), np.concatenate([[0], *lengths]).cumsum())

    @classmethod
    def of_table(cls, table: pa.Table, columns: Sequence[str]) -> _Shingles:
        spaced = pc.replace_substring_regex(normalised(table, columns), f"({UNSPACED})", r" \1 ")
        words_of_text = pc.utf8_split_whitespace(pc.binary_join_element_wise("^", spaced, "$", " "))
        words = words_of_text.flatten().dictionary_encode()
        hashes = pd.util.hash_array(words.dictionary.to_numpy(zero_copy_only=False))[words.indices.to_numpy()]
        pairs = hashes[:-1] * np.uint64(0x9E3779B97F4A7C15) ^ hashes[1:]
        counts = pc.list_value_length(words_of_text).to_numpy()
        within_text = np.ones(len(hashes), dtype=bool)
        within_text[np.cumsum(counts) - 1] = False  # a pair does not begin with the last word of a text
        return cls(pairs[within_text[:-1]], np.concatenate([[0], counts - 1]).cumsum())

    def __getitem__(self, index: np.integer | int) -> Hashes:
        return np.unique(self.flat[self.starts[index] : self.starts[index + 1]])

    def keys(self) -> Hashes:
        """Return for each band and text one hash of the smallest hashes under the band's permutations, (BANDS, N)."""
        generator = np.random.default_rng(0)
        keys = np.zeros((BANDS, len(self.starts) - 1), dtype=np.uint64)
        for key in keys:
            for _ in range(ROWS):
                # Multiplying by an odd number permutes the 64-bit numbers; the shift mixes the high bits into the low.
                odd, offset = generator.integers(0, 2**63, 2, dtype=np.uint64)
                mixed = (self.flat ^ offset) * (odd | np.uint64(1))
                minima = np.minimum.reduceat(mixed ^ (mixed >> np.uint64(31)), self.starts[:-1])
                key[:] = key * np.uint64(0x100000001B3) ^ minima
        return keys


def _band_keys(rows: Dataset, columns: Sequence[str]) -> Hashes:
    """Return the band keys of all texts, (BANDS, N): 256 bytes per text, whatever its length."""
    return np.concatenate([_Shingles.of_table(table, columns).keys() for table in arrow_batches(rows, columns)], axis=1)


def _jaccard(left: Hashes, right: Hashes) -> float:
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return shared / (len(left) + len(right) - shared)
