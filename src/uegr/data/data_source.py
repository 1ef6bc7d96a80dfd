"""Where the data of a run comes from: a named task, a data set of the hub, or a user's own files."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from uegr.data.kind import Kind
from uegr.errors import UsageError
from uegr.options import Options, option

if TYPE_CHECKING:
    from uegr.data.task_data import TaskData
COLUMNS = ("text_column", "text_pair_column", "label_column")
OF_OWN_DATA = (*COLUMNS, "kind", "metric", "label_separator", "positive_label", "drop_empty")
"""Options that a named task does not use."""
OF_TRAIN_FILE = ("validation_file", "test_file")
"""Options that go with `train_file` only."""


@dataclass(frozen=True)
class DataSource(Options):
    """Options that select the data of a run. Exactly one of `task`, `dataset` and `train_file` is given.

    The columns, `kind`, `metric`, `label_separator`, `positive_label` and `drop_empty` apply to `dataset` and
    `train_file` only: a named task has its own.
    """

    task: str | None = option(None, "A named task, such as rotten_tomatoes; see uegr tasks.")
    dataset: str | None = option(None, "A data set of the hub: NAME or NAME:CONFIGURATION.")
    train_file: str | None = option(None, "Training data: CSV, TSV, JSON or Parquet.")
    validation_file: str | None = option(None, "Validation data. Default: a tenth of the training data.")
    test_file: str | None = option(None, "Test data. Default: a tenth of the training data.")
    text_column: str = option("text", "Column of the text.")
    text_pair_column: str | None = option(None, "Column of the second text of a pair.")
    label_column: str = option("label", "Column of the label; for multi_label, several columns are given as a,b,c.")
    kind: Kind = option("classification", "classification, regression, multi_label, token, seq2seq or causal_lm.")
    metric: str | None = option(None, "Metric to report, such as macro_f1. Default: the first of the kind.")
    label_separator: str = option(",", "Separates the labels in a multi_label text.")
    positive_label: str | None = option(None, "For two classes: the class whose F1 is measured. Default: the second.")
    drop_empty: bool = option(False, "Drop rows without text.")
    max_train_examples: int | None = option(
        None, "Train on at most N examples, drawn with the seed of the run.", at_least=1
    )
    max_test_examples: int | None = option(
        None, "Use at most N test and N validation examples, the same for all seeds.", at_least=1
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The user's files."""
        return tuple(filter(None, (self.train_file, self.validation_file, self.test_file)))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """One column, or two for pairs."""
        from uegr.data.task_registry import find_task

        if self.task is not None:
            return find_task(self.task).text
        return tuple(filter(None, (self.text_column, self.text_pair_column)))

    def load(self, seed: int) -> "TaskData":
        """Load the data; the training subset, if one is taken, is drawn with `seed`."""
        if [self.task, self.dataset, self.train_file].count(None) != 2:
            raise UsageError("give exactly one of --task, --dataset and --train_file.")
        return self._load_all().limited(train=self.max_train_examples, test=self.max_test_examples, seed=seed)

    def _load_all(self) -> "TaskData":
        from uegr.data.hub_datasets import load_hub  # imported late: the command line reads the options above
        from uegr.data.named_tasks import load_task
        from uegr.data.user_data import load_files

        if self.task is not None:
            return load_task(self.task)
        if self.dataset is not None:
            return load_hub(self.dataset, **self._options())
        assert self.train_file is not None
        return load_files(self.train_file, self.validation_file, self.test_file, **self._options())

    def _options(self) -> dict[str, Any]:
        labels = ("kind", "label_separator", "positive_label", "drop_empty")
        options = {name: getattr(self, name) for name in (*COLUMNS, *labels)}
        return {**options, "metrics": None if self.metric is None else (self.metric,)}
