"""What has been read or tokenised once lies on disk under a name that its content gives, and is mapped from there.

The folder is the `datasets` library's own (HF_DATASETS_CACHE), in it uegr/; deleting it costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import datasets.config
import pyarrow as pa
import xxhash
from datasets import Dataset
from datasets.arrow_writer import ArrowWriter
from transformers import PreTrainedTokenizerBase

BATCH = 20_000
"""Rows that are in memory at a time."""
VERSION = 2
"""Part of every name: raise it when the same content is to be read otherwise than before."""


def cache_path(*parts: object) -> Path:
    """The place of what these parts determine."""
    name = hashlib.sha256(json.dumps([VERSION, *map(str, parts)]).encode()).hexdigest()[:32]
    return Path(datasets.config.HF_DATASETS_CACHE) / "uegr" / f"{name}.arrow"


def cached_table(path: Path, tables: Iterable[pa.Table]) -> Dataset:
    """The rows at `path`, mapped into memory; where they are missing, written there from `tables` first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with ArrowWriter(path=str(staged)) as writer:
                for table in tables:
                    writer.write_table(table)
                writer.finalize()
            os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)
    return Dataset.from_file(str(path))


def arrow_batches(rows: Dataset, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The columns of all rows, some thousands at a time, as Arrow tables."""
    yield from rows.select_columns(list(columns)).with_format("arrow").iter(BATCH)


def content_hash(rows: Dataset, columns: Sequence[str]) -> str:
    """A hash of what stands in the columns, wherever the rows come from."""
    digest = xxhash.xxh3_128()
    for table in arrow_batches(rows, columns):
        # Serialised, a slice holds its own values only and equal values have one form, however they were cut.
        for batch in table.combine_chunks().to_batches():
            digest.update(batch.serialize())
    return digest.hexdigest()


def tokenizer_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """A hash of what decides a text's tokens; truncation and padding, which calls change, are left out."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return str(datasets.fingerprint.Hasher.hash(tokenizer))
    state = json.loads(backend.to_str())
    state.update(truncation=None, padding=None)
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
