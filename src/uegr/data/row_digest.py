"""A digest of rows, to notice later that two runs were measured on different data of the same name.

It is kept in results, so unlike the cache's `content_hash` it depends on the values only, not on how Arrow stores them.
"""

import json
from collections.abc import Sequence

import xxhash
from datasets import Dataset


def digest_of_rows(rows: Dataset, columns: Sequence[str]) -> str:
    """Return a hash of the values in the columns, in the order of the rows; the names of the columns do not matter."""
    digest = xxhash.xxh3_128()
    for values in zip(*(rows[column] for column in columns), strict=True):
        digest.update(json.dumps(values, default=str).encode())
    return digest.hexdigest()
