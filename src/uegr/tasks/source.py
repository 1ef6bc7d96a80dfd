"""Where a run's data comes from: a named task, a data set of the hub, or a user's own files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from uegr.errors import UsageError
from uegr.tasks.data import TaskData
from uegr.tasks.files import load_files
from uegr.tasks.hub import load_hub
from uegr.tasks.named import load_task


@dataclass(frozen=True)
class DataSource:
    """Exactly one of `task`, `dataset` and `train_file`; the columns belong to the latter two.

    Args:
        task: a name of the registry.
        dataset: a data set of the Hugging Face hub, "name" or "name:configuration".
        train_file, validation_file, test_file: CSV, TSV, JSON lines or Parquet.
        text_column, text_pair_column, label_column: columns to read.
        drop_empty: drop rows without text.
        max_train_examples, max_test_examples: use at most so many.
    """

    task: str | None = None
    dataset: str | None = None
    train_file: str | None = None
    validation_file: str | None = None
    test_file: str | None = None
    text_column: str = "text"
    text_pair_column: str | None = None
    label_column: str = "label"
    drop_empty: bool = False
    max_train_examples: int | None = None
    max_test_examples: int | None = None

    def load(self, seed: int) -> TaskData:
        """The data, with the training subset that belongs to `seed`."""
        given = [name for name in ("task", "dataset", "train_file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise UsageError("give exactly one of --task, --dataset and --train_file.")
        data = self._whole()
        return data.limited(train=self.max_train_examples, test=self.max_test_examples, seed=seed)

    def _whole(self) -> TaskData:
        if self.task is not None:
            return load_task(self.task)
        columns = {
            "text_column": self.text_column,
            "text_pair_column": self.text_pair_column,
            "label_column": self.label_column,
        }
        if self.dataset is not None:
            return load_hub(self.dataset, **columns, drop_empty=self.drop_empty)  # type: ignore[arg-type]
        assert self.train_file is not None
        return load_files(
            Path(self.train_file),
            Path(self.validation_file) if self.validation_file else None,
            Path(self.test_file) if self.test_file else None,
            **columns,  # type: ignore[arg-type]
            drop_empty=self.drop_empty,
        )
