"""Texts without labels, from files and named tasks; none may be in a set that models are evaluated on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray

from uegr.data.data_report import log_findings
from uegr.data.file_scan import scan_file
from uegr.data.named_tasks import load_task
from uegr.data.overlap import find_overlap, text_hashes
from uegr.data.row_checks import check_rows
from uegr.data.splits import subset
from uegr.data.task_registry import TASKS
from uegr.data.user_data import rows_of
from uegr.errors import UsageError

TEXT = "text"


@dataclass(frozen=True)
class TextPool:
    """Unlabelled texts.

    Args:
        rows: with one column, "text"; no two differ only in case and punctuation.
        sources: number of texts of each source, before texts were left out.
        held_out: number of texts of the pool that are also in each evaluation set, exactly or nearly; they are left
            out.
    """

    rows: Dataset
    sources: dict[str, int]
    held_out: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """The numbers of the pool, for the record of a training."""
        return {"texts": len(self.rows), "sources": self.sources, "overlap": self.held_out}


def load_pool(
    sources: Sequence[str],
    *,
    text_column: str = TEXT,
    held_out: Sequence[str] = (),
    drop_overlap: bool = False,
    most: int | None = None,
    seed: int = 0,
) -> TextPool:
    """Read a pool of texts.

    Args:
        sources: named tasks, whose training texts are taken, and files: CSV, TSV, JSON, Parquet, or .txt with one
            text per line.
        text_column: column of the texts in the files, or several names, separated by commas: of each file the columns
            that it has are read, such as both texts of a pair.
        held_out: tasks and files that models are evaluated on. The validation and test texts of every task among the
            sources are always held out.
        drop_overlap: leave out the texts that are also in a held-out set; by default they are an error.
        most: take at most this number of texts, drawn with `seed`.
        seed: of the draw.

    Raises:
        UsageError: an unknown source, or texts that are in a held-out set.
    """
    if not sources:
        raise UsageError("no texts: name files or tasks, such as --texts tweets.txt or --texts ag_news.")
    read: set[str] = set()
    parts = {source: _texts(source, text_column, ("train",), read) for source in sources}
    empty = [source for source, part in parts.items() if not len(part)]
    if empty:
        raise UsageError(f"{empty[0]} has no training texts on this machine: leave it out.")
    rows = concatenate_datasets(list(parts.values()))
    _, first = np.unique(text_hashes(rows, [TEXT]), return_index=True)
    rows = rows.select(np.sort(first))
    of_tasks = [source for source in sources if source in TASKS]
    kept_away = {source: _texts(source, text_column, ("validation", "test"), read) for source in (*of_tasks, *held_out)}
    unread = [name for name in _names(text_column) if read and not read & {name, text_column}]
    if unread:
        raise UsageError(f"no file has the column '{unread[0]}': correct it in --text_column, or leave it out.")
    repeated = _repeated(rows, list(kept_away.values()))
    matches = rows.select(np.flatnonzero(repeated))
    overlap = {source: int(_repeated(matches, [texts]).sum()) for source, texts in kept_away.items()}
    if repeated.any() and not drop_overlap:
        counts = ", ".join(f"{count:,} of {source}" for source, count in overlap.items() if count)
        raise UsageError(
            f"{int(repeated.sum()):,} of {len(rows):,} texts are, exactly or nearly, also in sets that models are "
            f"evaluated on ({counts}): add --drop_overlap to leave them out."
        )
    rows = subset(rows.select(np.flatnonzero(~repeated)), most, seed)
    if not len(rows):
        raise UsageError("no texts are left: all are in sets that models are evaluated on; name others with --texts.")
    return TextPool(rows, {source: len(part) for source, part in parts.items()}, overlap)


def _repeated(rows: Dataset, held_out: list[Dataset]) -> NDArray[np.bool_]:
    """Whether each text of the pool is also, exactly or nearly, in one of these sets."""
    if not held_out:
        return np.zeros(len(rows), dtype=bool)
    return find_overlap(concatenate_datasets(held_out), [TEXT], rows, [TEXT]).near


def _names(text_column: str) -> list[str]:
    return [name.strip() for name in text_column.split(",")]


def _texts(source: str, text_column: str, splits: Sequence[str], read: set[str]) -> Dataset:
    """The texts of a task's splits or of a file, in one column; both texts of a pair are texts of their own.

    The names of the columns of a file that are read are added to `read`.

    Raises:
        UsageError: there is no such source, or a file has none of the columns.
    """
    if source in TASKS:
        task = load_task(source)
        return concatenate_datasets(
            [_text_column(getattr(task, split), column) for split in splits for column in task.text_columns]
        )
    path = Path(source)
    if not path.is_file():
        raise UsageError(f"'{source}' is neither a task (see uegr tasks) nor a file: check the name.")
    if path.suffix.lower() == ".txt":
        return Dataset.from_dict({TEXT: _lines(path)})
    rows, parts = rows_of(path, [text_column, *_names(text_column)]), []
    # A comma may also be a part of a column's name.
    names = [text_column] if text_column in rows.column_names else _names(text_column)
    for column in [name for name in names if name in rows.column_names] or names[:1]:
        filled, findings = check_rows(path.name, rows, [column], [], drop_empty=True)
        log_findings(findings)
        read.add(column)
        parts.append(_text_column(filled, column))
    return concatenate_datasets(parts)


def _text_column(rows: Dataset, column: str) -> Dataset:
    return rows.select_columns([column]).rename_columns({column: TEXT})


def _lines(path: Path) -> list[str]:
    """The lines of a file that have text."""
    try:
        scan = scan_file(path)
        with path.open(encoding=scan.encoding, errors="replace") as file:
            texts = [text for line in file if (text := line.replace("\0", "").strip())]
    except OSError as error:
        raise UsageError(f"cannot read '{path}' ({error.strerror}): check the path.") from None
    if not texts:
        raise UsageError(f"'{path}' is empty: write one text per line.")
    log_findings(scan.findings(path.name))
    return texts
