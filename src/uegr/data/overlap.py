"""Which texts of one set are in another: exactly, or nearly.

Exactly: equal but for case, punctuation and spacing. Nearly: the sets of word pairs of two texts have a Jaccard
similarity of at least `NEAR`; in a sentence of ten words one may differ. Candidates are found by MinHash with
banding (Broder 1997; Leskovec, Rajaraman & Ullman, ch. 3) and then compared: what is reported was compared, and a
pair at the threshold is missed with a probability of 1.2 % (similarity 0.7: 0.02 %).
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

NEAR = 0.6
BANDS, ROWS = 32, 4
"""Texts whose minima agree in all rows of a band are compared: found with probability 1 - (1 - J^4)^32."""

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Overlap:
    """How much of an evaluation set training has seen.

    Args:
        exact, near: which of the N evaluation texts have an equal, or an equal or nearly equal, training text.
    """

    exact: NDArray[np.bool_]
    near: NDArray[np.bool_]

    def summary(self) -> dict[str, float | int]:
        """The part of results.json: counts, and the threshold of near."""
        return {
            "examples": len(self.exact),
            "exact": int(self.exact.sum()),
            "near": int(self.near.sum()),
            "similarity": NEAR,
        }


def text_hashes(rows: Dataset, columns: Sequence[str]) -> Hashes:
    """One hash a row of its normalised text, shape (N,)."""
    parts = [
        pd.util.hash_array(normalised(table, columns).to_numpy(zero_copy_only=False))
        for table in arrow_batches(rows, columns)
    ]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def overlap(train: Dataset, train_columns: Sequence[str], rows: Dataset, columns: Sequence[str]) -> Overlap:
    """Compare every text of `rows` with every training text; pairs are compared as wholes."""
    exact = np.isin(text_hashes(rows, columns), text_hashes(train, train_columns))
    near = exact.copy()
    if not (len(train) and len(rows)):
        return Overlap(exact, near)
    for seen, asked in zip(_keys(train, train_columns), _keys(rows, columns), strict=True):
        order = np.argsort(seen, kind="stable")
        first = np.searchsorted(seen[order], asked, side="left")
        last = np.searchsorted(seen[order], asked, side="right")
        doubtful = np.flatnonzero((last > first) & ~near)
        if not len(doubtful):
            continue
        candidates = [order[first[at] : last[at]][:MOST_COMPARED] for at in doubtful]
        needed = np.unique(np.concatenate(candidates))
        theirs = _Shingles.of(train.select(needed), train_columns)
        mine = _Shingles.of(rows.select(doubtful), columns)
        for i, at in enumerate(doubtful):
            places = np.searchsorted(needed, candidates[i])
            near[at] = any(_jaccard(mine[i], theirs[one]) >= NEAR for one in places)
    return Overlap(exact, near)


MOST_COMPARED = 100
"""Candidates that are compared for one text and band; only boilerplate has more, and there the first ones decide."""


def normalised(table: pa.Table, columns: Sequence[str]) -> pa.Array:
    """The columns' texts joined, in lower case, with letters, digits and single spaces only."""
    texts = [pc.fill_null(table[column].combine_chunks(), "") for column in columns]
    joined = pc.binary_join_element_wise(*texts, " | ") if len(texts) > 1 else texts[0]
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(joined), r"[^\p{L}\p{N}]+", " "))


@dataclass(frozen=True)
class _Shingles:
    """Hashes of the word pairs of all texts, one after the other, the ends of a text counting as words.

    Args:
        flat: all hashes.
        starts: where each of the N texts begins, and the end of the last, (N + 1,).
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
        words = pc.split_pattern(pc.binary_join_element_wise("^", normalised(table, columns), "$", " "), " ")
        each = words.flatten().dictionary_encode()
        hashed = pd.util.hash_array(each.dictionary.to_numpy(zero_copy_only=False))[each.indices.to_numpy()]
        pairs = hashed[:-1] * np.uint64(0x9E3779B97F4A7C15) ^ hashed[1:]
        counts = pc.list_value_length(words).to_numpy()
        within = np.ones(len(hashed), dtype=bool)
        within[np.cumsum(counts) - 1] = False  # a pair does not begin with the last word of a text
        return cls(pairs[within[:-1]], np.concatenate([[0], counts - 1]).cumsum())

    def __getitem__(self, at: np.integer | int) -> Hashes:
        return np.unique(self.flat[self.starts[at] : self.starts[at + 1]])

    def keys(self) -> Hashes:
        """For each band, one hash a text of its smallest hashes under the band's permutations, (BANDS, N)."""
        generator = np.random.default_rng(0)
        keys = np.zeros((BANDS, len(self.starts) - 1), dtype=np.uint64)
        for key in keys:
            for _ in range(ROWS):
                # An odd multiplier permutes the 64-bit numbers; the shift brings its good high bits down.
                odd, offset = generator.integers(0, 2**63, 2, dtype=np.uint64)
                mixed = (self.flat ^ offset) * (odd | np.uint64(1))
                least = np.minimum.reduceat(mixed ^ (mixed >> np.uint64(31)), self.starts[:-1])
                key[:] = key * np.uint64(0x100000001B3) ^ least
        return keys


def _keys(rows: Dataset, columns: Sequence[str]) -> Hashes:
    """The bands of all texts, (BANDS, N): 256 bytes a text, whatever its length."""
    return np.concatenate([_Shingles.of_table(table, columns).keys() for table in arrow_batches(rows, columns)], axis=1)


def _jaccard(one: Hashes, other: Hashes) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
