"""`TaskData`: the splits of a task, with text columns and a label for each row, as all other modules use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from datasets import Dataset

from uegr.data.data_report import Finding, class_counts, data_findings
from uegr.data.kind import Kind
from uegr.data.label_encoding import encode_classes, encode_numbers
from uegr.data.label_sets import encode_label_sets
from uegr.data.row_checks import check_rows
from uegr.data.splits import LABEL, subset, with_missing_splits
from uegr.data.token_labels import encode_token_labels
from uegr.errors import UsageError

Split = Literal["test", "validation"]
"""The splits that a model can be evaluated on."""

METRICS_OF_KIND: dict[Kind, tuple[str, ...]] = {
    "classification": ("accuracy",),
    "regression": ("pearson", "spearman"),
    "multi_label": ("micro_f1", "macro_f1"),
    "token": ("entity_f1", "token_accuracy"),
    "seq2seq": ("bleu",),
    "causal_lm": ("perplexity",),
}
"""Default metrics of each kind of task; the first is the published one, measured under typing errors, too."""

RANKINGS = {"map", "mrr"}
"""Metrics over all candidates of a question: with a part of the candidates the task would be easier."""


@dataclass(frozen=True)
class TaskData:
    """A task with its splits.

    Args:
        name: name of the task in results.
        train, validation, test: datasets with the text columns and a column "label": an int in [0, C) for
            classification, a float for regression, C floats 0 or 1 for multi-label, a list with an int per word for
            token, the target text for seq2seq; no such column for causal language models. A task without a training
            split has an empty one.
        text_columns: one column (a sentence) or two (a pair).
        label_names: the C classes or labels, in order; empty for the other kinds.
        kind: what is predicted.
        metrics: names of its metrics; the first is the published one.
        family: models of one task of a family can be evaluated on its other tasks.
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
        """Return at most `train` training examples, and at most `test` examples of each of the other splits.

        The training subset depends on the seed, so that an interval over seeds covers the choice of examples; the
        other subsets do not.
        """
        return replace(
            self,
            train=subset(self.train, train, seed),
            validation=subset(self.validation, test, 0, self.ranked_by),
            test=subset(self.test, test, 0, self.ranked_by),
        )

    @property
    def ranked_by(self) -> str | None:
        """The column that identifies the question whose candidates are ranked; None if no metric is a ranking."""
        return self.text_columns[0] if {*self.metrics} & RANKINGS else None

    @property
    def written_columns(self) -> tuple[str, ...]:
        """The columns that hold text, including the target text; a tokenizer is trained on them."""
        return (*self.text_columns, LABEL) if self.kind == "seq2seq" else self.text_columns

    @property
    def class_counts(self) -> dict[str, int]:
        """Number of training examples of each class."""
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
    positive_label: str | None = None,
    findings: Sequence[Finding] = (),
) -> TaskData:
    """Check raw splits and encode their labels; missing splits are cut from the training split.

    Args:
        name: name of the task.
        splits: those of "train", "validation" and "test" that exist.
        text_columns: one or two columns of text.
        label_column: whole numbers or class names for classification; numbers for regression; for multi-label lists,
            texts that list names, or several columns "a,b,c" of 0 and 1; for token a list of tags, one per word; the
            target text for seq2seq.
        label_names: names of the classes 0..C-1, which labels are, or else their numbers; None takes the classes from
            the training labels.
        kind, metrics, family: see `TaskData`.
        drop_empty: drop rows without text; otherwise they are an error.
        label_separator: separates the label names in a multi-label text.
        positive_label: for two classes, the class whose F1 is measured; None takes the second.
        findings: findings of reading the files, which the data report begins with.
    """
    if LABEL in text_columns and kind != "causal_lm":  # the name of the encoded labels
        splits, text_columns = _with_renamed_text(splits, text_columns, label_column)
    names: tuple[str, ...] = ()
    if kind == "token":
        names, splits = encode_token_labels(name, splits, text_columns, label_column, label_names)
        label_column = LABEL
    label_columns = _label_columns(label_column, kind)
    checked: dict[str, Dataset] = {}
    row_findings: list[Finding] = []
    for split, rows in splits.items():
        drop = drop_empty or kind == "causal_lm"  # blank lines separate paragraphs there
        checked[split], of_split = check_rows(f"{name} ({split})", rows, text_columns, label_columns, drop, kind=kind)
        row_findings += of_split
    label_findings: list[Finding] = []
    if kind == "classification":
        names, encoded, label_findings = encode_classes(
            name, checked, label_column, label_names, text_columns, positive_label
        )
        if "f1" in (metrics or ()) and len(names) != 2:
            raise UsageError(f"f1 is for two classes, and {name} has {len(names)}: choose macro_f1.")
        check_rankings(metrics or (), len(names), name)
    elif kind == "multi_label":
        names, encoded = encode_label_sets(name, checked, label_columns, label_separator, text_columns)
    else:
        encoded = {
            split: _with_targets(f"{name} ({split})", rows, kind, label_column, text_columns)
            for split, rows in checked.items()
        }
    complete = with_missing_splits(encoded)
    all_findings = list(findings)
    if kind != "causal_lm":
        all_findings += [*row_findings, *label_findings, *data_findings(complete, text_columns, names, kind)]
    return TaskData(
        name,
        **complete,
        text_columns=tuple(text_columns),
        label_names=names,
        kind=kind,
        metrics=tuple(metrics or METRICS_OF_KIND[kind]),
        family=family,
        findings=tuple(all_findings),
    )


def check_rankings(metrics: Sequence[str], classes: int, name: str) -> None:
    """Refuse metrics that rank the candidates of a question where there are not two classes, wrong and right.

    Raises:
        UsageError: there is one.
    """
    ranking = next((metric for metric in metrics if metric in RANKINGS), None)
    if ranking is not None and classes != 2:
        raise UsageError(
            f"{ranking} ranks by the probability of class 1 of two classes, and {name} has {classes}: choose macro_f1."
        )


def _with_renamed_text(
    splits: dict[str, Dataset], text_columns: Sequence[str], label_column: str
) -> tuple[dict[str, Dataset], list[str]]:
    """The rows with a text column "label" under another name, and the text columns with their names after that."""
    if label_column == LABEL:
        raise UsageError(
            f"column '{LABEL}' cannot be text and label: name the column of the label with --label_column."
        )
    taken = {column for rows in splits.values() for column in rows.column_names}
    name = next(name for name in ("text", "label_text", "label_as_text") if name not in taken)
    renamed = {
        split: rows.rename_column(LABEL, name) if LABEL in rows.column_names else rows for split, rows in splits.items()
    }
    return renamed, [name if column == LABEL else column for column in text_columns]


def _label_columns(label_column: str, kind: Kind) -> list[str]:
    if kind == "causal_lm":
        return []
    return [column.strip() for column in label_column.split(",")] if kind == "multi_label" else [label_column]


def _with_targets(name: str, rows: Dataset, kind: Kind, label_column: str, text_columns: Sequence[str]) -> Dataset:
    """Encode one split of a kind of task that needs no names of classes; rows with a label per word have theirs."""
    if kind == "regression":
        return encode_numbers(name, rows, label_column, text_columns)
    if kind == "seq2seq":
        return rows.select_columns([*text_columns, label_column]).rename_columns({label_column: LABEL})
    return rows.select_columns(list(text_columns)) if kind == "causal_lm" else rows
