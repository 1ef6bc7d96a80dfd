"""The rows of a user's data set and the kind of task of a user's model, for an evaluation in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, get_args

import pandas as pd
from datasets import ClassLabel, Dataset, Value
from torch import nn

from uegr.data.kind import Kind
from uegr.data.splits import LABEL
from uegr.data.token_labels import encode_token_labels
from uegr.data.user_data import rows_and_findings
from uegr.errors import UsageError, unknown
from uegr.modeling.embeddings import unwrap

EvaluationData: TypeAlias = Dataset | pd.DataFrame | Sequence[Mapping[str, Any]] | Path | str
"""Rows with text and label: in memory, or the path of a CSV, TSV, JSON-lines or Parquet file."""
KIND_OF_PROBLEM: dict[str, Kind] = {
    "single_label_classification": "classification",
    "multi_label_classification": "multi_label",
    "regression": "regression",
}
"""By Hugging Face's `config.problem_type`."""


def kind_of(model: nn.Module, rows: Dataset, label_column: str) -> Kind:
    """The kind of task of a model, by its head, its configuration and the labels."""
    inner = unwrap(model)
    config, labels = getattr(inner, "config", None), rows.features.get(label_column)
    problem = getattr(config, "problem_type", None)
    if problem in KIND_OF_PROBLEM:
        return KIND_OF_PROBLEM[problem]
    if type(inner).__name__.endswith("ForTokenClassification"):
        return "token"
    if getattr(inner, "get_output_embeddings", lambda: None)() is not None:
        return "seq2seq" if getattr(config, "is_encoder_decoder", False) else "causal_lm"
    if getattr(config, "num_labels", None) == 1 or getattr(labels, "dtype", "").startswith(("float", "double")):
        return "regression"
    return "multi_label" if hasattr(labels, "feature") else "classification"


def evaluation_rows(
    model: nn.Module,
    data: EvaluationData,
    text_columns: Sequence[str] | None = None,
    label_column: str = LABEL,
    kind: Kind | None = None,
) -> tuple[Dataset, tuple[str, ...], Kind]:
    """Return the rows, with labels in the column "label" as the model's outputs are numbered, text columns and kind.

    Args:
        model: the model, whose `config.label2id` numbers the names of classes.
        data: the rows.
        text_columns: one column, or two for pairs; None takes all columns of text but that of the labels.
        label_column: classes as numbers or names, numbers, lists of 0 and 1, or the text to be generated.
        kind: of the task; None reads it off the model and the labels.
    """
    if isinstance(data, list | tuple):
        rows = Dataset.from_list(list(data))
    else:
        rows, _ = rows_and_findings(data)
    if not len(rows):
        raise UsageError("the data set to evaluate on is empty: give at least one row.")
    if kind is not None and kind not in get_args(Kind):
        raise unknown("kind of task", kind, get_args(Kind))
    kind = kind or kind_of(model, rows, label_column)
    texts = tuple(text_columns or (c for c in rows.column_names if _is_text(rows, c) and c != label_column))
    if kind == "token":
        texts = texts or tuple(c for c in rows.column_names if c != label_column)
        names = class_names(model, getattr(getattr(unwrap(model), "config", None), "num_labels", 0))
        return encode_token_labels("the data", {"test": rows}, texts, label_column, names)[1]["test"], texts, kind
    needed = texts if kind == "causal_lm" else (*texts, label_column)
    for column in needed:
        if column not in rows.column_names:
            raise unknown("column", column, rows.column_names)
    if len(texts) not in {1, 2}:
        raise UsageError(f"the columns of text are {list(texts)}: name one, or two for pairs, with text_columns=.")
    rows = rows.select_columns(list(needed))
    if kind == "causal_lm":
        return rows, texts, kind
    if label_column != LABEL:
        rows = rows.rename_column(label_column, LABEL)
    if kind == "classification" and not isinstance(rows.features[LABEL], ClassLabel) and _is_text(rows, LABEL):
        rows = _with_numbers(rows, getattr(getattr(unwrap(model), "config", None), "label2id", None) or {})
    if kind in {"regression", "seq2seq"}:
        rows = rows.cast_column(LABEL, Value("float64" if kind == "regression" else "string"))
    return rows, texts, kind


def class_names(model: nn.Module, classes: int) -> list[str]:
    """The names of a classifier's classes, by its configuration, or their numbers."""
    names: Mapping[int, str] = getattr(getattr(unwrap(model), "config", None), "id2label", None) or {}
    return [str(names.get(i, i)) for i in range(classes)]


def _is_text(rows: Dataset, column: str) -> bool:
    return getattr(rows.features[column], "dtype", None) in {"string", "large_string"}


def _with_numbers(rows: Dataset, number_of: Mapping[str, int]) -> Dataset:
    """The rows with the numbers of their classes in place of the names."""
    for name in rows.unique(LABEL):
        if name not in number_of:
            raise unknown("label", name, number_of)
    labels = [number_of[name] for name in rows[LABEL]]
    return rows.remove_columns(LABEL).add_column(LABEL, labels)
