"""Labelled text as the rest of the house sees it: splits with text columns, and a target for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from datasets import Dataset, Value

from uegr.data.data_report import class_counts, report
from uegr.data.findings import Finding
from uegr.data.row_checks import checked
from uegr.data.splits import LABEL, subset, with_missing_splits
from uegr.data.targets import as_classes, as_label_sets, as_numbers
from uegr.data.task import Kind

Split = Literal["test", "validation"]
"""What may be measured on."""

METRICS: dict[Kind, tuple[str, ...]] = {
    "classification": ("accuracy",),
    "regression": ("pearson", "spearman"),
    "multi_label": ("micro_f1", "macro_f1"),
    "seq2seq": ("bleu",),
    "causal_lm": ("perplexity",),
}
"""What is published of a kind of task, where nobody names another metric."""

RANKINGS = {"map", "mrr"}
"""Metrics over the candidates of a question: a part of the candidates would be another, easier task."""


@dataclass(frozen=True)
class TaskData:
    """A task with its splits.

    Args:
        name: what results call it.
        train, validation, test: datasets with the text columns and a column "label": an int in [0, C) for
            classification, a float for regression, C floats 0 or 1 for multi-label, the text to be written for
            seq2seq; none for causal language models. A task without a training split has an empty one.
        text_columns: one column (a sentence) or two (a pair).
        label_names: the C classes or labels, in order; empty for the other kinds.
        kind: what is predicted.
        metrics: names of its metrics; the first is the one that is published.
        family: tasks of a family can be evaluated with each other's models.
        findings: the data report.
    """

    name: str
    train: Dataset
    validation: Dataset
    test: Dataset
    text_columns: tuple[str, ...]
    label_names: tuple[str, ...]
    kind: Kind = "classification"
    metrics: tuple[str, ...] = ("accuracy",)
    family: str | None = None
    findings: tuple[Finding, ...] = ()

    def limited(self, *, train: int | None = None, test: int | None = None, seed: int = 0) -> TaskData:
        """At most that many training and test examples, and as many validation as test ones. The training subset
        depends on the seed, so that an interval over seeds covers the choice of examples; the others do not."""
        return replace(
            self,
            train=subset(self.train, train, seed),
            validation=subset(self.validation, test, 0, self.ranked_by),
            test=subset(self.test, test, 0, self.ranked_by),
        )

    @property
    def ranked_by(self) -> str | None:
        """The column whose rows are ranked against each other, where the task is scored as a ranking."""
        return self.text_columns[0] if {*self.metrics} & RANKINGS else None

    @property
    def written_columns(self) -> tuple[str, ...]:
        """The columns that hold text, the target's among them: what a tokenizer is learned from."""
        return (*self.text_columns, LABEL) if self.kind == "seq2seq" else self.text_columns

    @property
    def class_counts(self) -> dict[str, int]:
        """Training examples of each class."""
        return class_counts(self.train, self.label_names, self.kind)


def make_task(
    name: str,
    splits: dict[str, Dataset],
    *,
    text_columns: Sequence[str],
    label_column: str,
    label_names: Sequence[str] | None = None,
    kind: Kind = "classification",
    metrics: Sequence[str] | None = None,
    family: str | None = None,
    drop_empty: bool = False,
    label_separator: str = ",",
    found: Sequence[Finding] = (),
) -> TaskData:
    """Check raw splits and bring their labels into the form of their kind; missing splits are cut from train.

    Args:
        name: the task's name.
        splits: "train", "validation" and "test", as far as they exist.
        text_columns: one or two columns of text.
        label_column: whole numbers or class names; numbers for regression; for multi-label lists, texts that
            list names, or several columns "a,b,c" of 0 and 1; the text to be written for seq2seq.
        label_names: names of the classes 0..C-1; None reads the classes off the training labels.
        kind, metrics, family: see `TaskData`.
        drop_empty: drop rows without text; otherwise they are an error.
        label_separator: between the names in a multi-label text.
        found: findings made while reading.

    Raises:
        UsageError: an unknown column, no rows, missing or fractional labels, empty texts, one class only.
    """
    findings = list(found)
    label_columns = [] if kind == "causal_lm" else _columns(label_column, kind)
    prepared: dict[str, Dataset] = {}
    for split, rows in splits.items():
        drop = drop_empty or kind == "causal_lm"  # blank lines are what separates paragraphs there
        prepared[split], more = checked(f"{name} ({split})", rows, text_columns, label_columns, drop)
        findings += more if kind != "causal_lm" else []
    names: tuple[str, ...] = ()
    if kind == "classification":
        names, prepared = as_classes(name, prepared, label_column, label_names, text_columns)
    elif kind == "multi_label":
        names, prepared = as_label_sets(name, prepared, label_columns, label_separator, text_columns)
    elif kind == "regression":
        prepared = {
            split: as_numbers(f"{name} ({split})", rows, label_column, text_columns) for split, rows in prepared.items()
        }
    elif kind == "seq2seq":
        prepared = {split: _as_texts(rows, label_column, text_columns) for split, rows in prepared.items()}
    else:
        prepared = {split: rows.select_columns(list(text_columns)) for split, rows in prepared.items()}
    whole = with_missing_splits(prepared)
    if kind != "causal_lm":
        findings += report(whole, text_columns, names, kind)
    return TaskData(
        name,
        whole["train"],
        whole["validation"],
        whole["test"],
        tuple(text_columns),
        names,
        kind,
        tuple(metrics or METRICS[kind]),
        family,
        tuple(findings),
    )


def _columns(label_column: str, kind: Kind) -> list[str]:
    return [one.strip() for one in label_column.split(",")] if kind == "multi_label" else [label_column]


def _as_texts(rows: Dataset, label_column: str, text_columns: Sequence[str]) -> Dataset:
    rows = rows.select_columns([*text_columns, label_column]).cast_column(label_column, Value("string"))
    return rows if label_column == LABEL else rows.rename_column(label_column, LABEL)
