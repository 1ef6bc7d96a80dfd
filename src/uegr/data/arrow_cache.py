"""Cache files: rows and token ids are written to disk once, under a name derived from their content, and mapped from
there.

The folder is `uegr/` in the cache folder of the `datasets` library (HF_DATASETS_CACHE). It can be deleted at any time.
Where it cannot be written, `cache_folder` gives another one for the length of the process.
"""

import errno
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import datasets.config
import pyarrow as pa
import xxhash
from datasets import Dataset
from datasets.arrow_writer import ArrowWriter
from transformers import PreTrainedTokenizerBase

from uegr.atomic_files import temporary_beside
from uegr.data.cache_folder import writable_folder
from uegr.errors import UsageError
from uegr.locked_files import replace_file

BATCH = 20_000
"""Number of rows in memory at a time."""
VERSION = 5
"""Part of every file name. Increase it when the same content is to be read differently."""
TOKENIZER_SETTINGS = ("model_input_names", "truncation_side", "split_special_tokens", "src_lang", "tgt_lang")
"""Attributes of a tokenizer that decide what it returns for a text, and that its tokenizer.json does not have."""


def cache_path(*parts: object) -> Path:
    """Return the path of the cache file whose content is determined by `parts`."""
    name = hashlib.sha256(json.dumps([VERSION, *map(str, parts)]).encode()).hexdigest()[:32]
    return writable_folder(Path(datasets.config.HF_DATASETS_CACHE) / "uegr") / f"{name}.arrow"


def cached_table(path: Path, tables: Iterable[pa.Table]) -> Dataset:
    """Return the rows of the file `path`, mapped into memory; write it from `tables` first if it does not exist.

    Raises:
        UsageError: the disk is full.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(path)
        try:
            with ArrowWriter(path=str(temporary)) as writer:
                for table in tables:
                    writer.write_table(table)
                writer.finalize()
            _move_into_place(temporary, path)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise UsageError(
                f"the disk of the cache '{path.parent}' is full: make room, or set HF_DATASETS_CACHE to a folder on "
                "another disk."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
    return Dataset.from_file(str(path))


def _move_into_place(temporary: Path, path: Path) -> None:
    try:
        replace_file(temporary, path)
    except PermissionError:
        # Another process has written the same rows meanwhile and maps them, which on Windows locks the file.
        if not path.exists():
            raise


def arrow_batches(rows: Dataset, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Iterate over the columns of all rows as Arrow tables of `BATCH` rows."""
    yield from rows.select_columns(list(columns)).with_format("arrow").iter(BATCH)


def content_hash(rows: Dataset, columns: Sequence[str]) -> str:
    """Return a hash of the values in the columns, independent of where the rows come from."""
    digest = xxhash.xxh3_128()
    for table in arrow_batches(rows, columns):
        # A serialised slice holds only its own values, and equal values have equal bytes, however they were sliced.
        for batch in table.combine_chunks().to_batches():
            digest.update(batch.serialize())
    return digest.hexdigest()


def tokenizer_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a hash of all settings that decide a text's tokens, without those of calls: its length and its padding."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return str(datasets.fingerprint.Hasher.hash(tokenizer))
    state = json.loads(backend.to_str())
    state.update(truncation=None, padding=None)
    own = [type(tokenizer).__name__, *(getattr(tokenizer, name, None) for name in TOKENIZER_SETTINGS)]
    return hashlib.sha256(json.dumps([state, own], sort_keys=True).encode()).hexdigest()
