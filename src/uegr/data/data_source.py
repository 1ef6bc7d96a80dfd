"""Where the data of a run comes from: a named task, a data set of the hub, or a user's own files."""

from dataclasses import dataclass
from typing import Any, get_args

from uegr.data.hub_datasets import load_hub
from uegr.data.named_tasks import load_task
from uegr.data.task import Kind
from uegr.data.task_data import TaskData
from uegr.data.user_data import load_files
from uegr.errors import UsageError, unknown


@dataclass(frozen=True)
class DataSource:
    """Options that select the data of a run. Exactly one of `task`, `dataset` and `train_file` is given.

    The columns, `kind`, `metric`, `label_separator` and `drop_empty` apply to `dataset` and `train_file` only: a named
    task has its own.

    Args:
        task: name of a task in `uegr.data.task_registry`.
        dataset: a data set of the Hugging Face hub, "name" or "name:configuration".
        train_file, validation_file, test_file: CSV, TSV, JSON lines or Parquet.
        text_column, text_pair_column, label_column: columns to read; for multi-label several label columns: "a,b,c".
        kind: "classification", "regression", "multi_label", "seq2seq" or "causal_lm".
        metric: the metric to report; None takes the first metric of the kind.
        label_separator: separates the label names in a multi-label text.
        drop_empty: drop rows without text.
        max_train_examples, max_test_examples: use at most this number of examples.
    """

    task: str | None = None
    dataset: str | None = None
    train_file: str | None = None
    validation_file: str | None = None
    test_file: str | None = None
    text_column: str = "text"
    text_pair_column: str | None = None
    label_column: str = "label"
    kind: Kind = "classification"
    metric: str | None = None
    label_separator: str = ","
    drop_empty: bool = False
    max_train_examples: int | None = None
    max_test_examples: int | None = None

    def load(self, seed: int) -> TaskData:
        """Load the data; the training subset, if one is taken, is drawn with `seed`."""
        if [self.task, self.dataset, self.train_file].count(None) != 2:
            raise UsageError("give exactly one of --task, --dataset and --train_file.")
        return self._load_all().limited(train=self.max_train_examples, test=self.max_test_examples, seed=seed)

    def _load_all(self) -> TaskData:
        if self.task is not None:
            return load_task(self.task)
        if self.dataset is not None:
            return load_hub(self.dataset, **self._options())
        assert self.train_file is not None
        return load_files(self.train_file, self.validation_file, self.test_file, **self._options())

    def _options(self) -> dict[str, Any]:
        if self.kind not in get_args(Kind):
            raise unknown("kind of task", self.kind, get_args(Kind))
        return {
            "text_column": self.text_column,
            "text_pair_column": self.text_pair_column,
            "label_column": self.label_column,
            "kind": self.kind,
            "metrics": None if self.metric is None else (self.metric,),
            "label_separator": self.label_separator,
            "drop_empty": self.drop_empty,
        }
