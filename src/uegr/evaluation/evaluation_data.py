"""The rows of a user's data set and the kind of task of a user's model, for an evaluation in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, get_args

import numpy as np
import pandas as pd
from datasets import ClassLabel, Dataset
from torch import nn

from uegr.data.json_lines import without_surrogates
from uegr.data.kind import Kind
from uegr.data.label_encoding import encode_numbers, label_name, names_of_lists, with_labels
from uegr.data.label_sets import flags_of_vectors, label_flag, lists_of_labels, names_of_labels, vector_length
from uegr.data.row_checks import check_columns, check_rows
from uegr.data.splits import LABEL
from uegr.data.token_labels import encode_token_labels
from uegr.data.user_data import rows_of
from uegr.errors import UsageError, unknown
from uegr.modeling.checkpoint_head import are_unnamed
from uegr.modeling.model_loading import PROBLEM_TYPES
from uegr.modeling.model_wrappers import config_value, unwrap
from uegr.modeling.task_kinds.detection import has_language_head, is_tagger

EvaluationData: TypeAlias = Dataset | pd.DataFrame | Sequence[Mapping[str, Any]] | Path | str
"""Rows with text and label: in memory, or the path of a CSV, TSV, JSON-lines or Parquet file."""
KIND_OF_PROBLEM: dict[str, Kind] = {problem: kind for kind, problem in PROBLEM_TYPES.items()}
"""By Hugging Face's `config.problem_type`."""
SINGLE = (("text",), ("sentence",))
PAIRS = (
    *(("text", "text_pair"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2")),
    *(("sentence_a", "sentence_b"), ("sentence_A", "sentence_B"), ("text_a", "text_b"), ("premise", "hypothesis")),
    *(("question", "sentence"), ("question", "passage"), ("question", "context"), ("question", "answer")),
    *(("query", "document"), ("query", "passage")),
)
"""Usual names of the columns of text in data sets with further columns of strings."""
MOST_UNNAMED_CLASSES = 10_000
"""Largest number of classes of a model whose configuration does not give their number."""


def kind_of(model: nn.Module, rows: Dataset, label_column: str) -> Kind:
    """The kind of task of a model, by its head, its configuration and the labels."""
    inner = unwrap(model)
    config, labels = getattr(inner, "config", None), rows.features.get(label_column)
    if is_tagger(inner):
        return "token"
    if has_language_head(inner):
        return "seq2seq" if getattr(config, "is_encoder_decoder", False) else "causal_lm"
    problem = getattr(config, "problem_type", None)  # may be left from another head that the body had before
    if problem in KIND_OF_PROBLEM:
        return KIND_OF_PROBLEM[problem]
    outputs = getattr(config, "num_labels", None)
    if outputs == 1 or (outputs is None and getattr(labels, "dtype", "").startswith(("float", "double"))):
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
        model: the model, whose `config.id2label` numbers the names of classes.
        data: the rows.
        text_columns: one column, or two for pairs; None takes the only column of strings beside the labels, or of
            several those with usual names, such as "text", or "premise" and "hypothesis".
        label_column: classes as numbers or names, numbers, lists of 0 and 1, or the text to be generated.
        kind: of the task; None reads it off the model and the labels.
    """
    rows = (
        _rows_of_dicts(data) if isinstance(data, list | tuple) else rows_of(data, [*(text_columns or ()), label_column])
    )
    if not len(rows):
        raise UsageError("the data set to evaluate on is empty: give at least one row.")
    if kind is not None and kind not in get_args(Kind):
        raise unknown("kind of task", kind, get_args(Kind))
    kind = kind or kind_of(model, rows, label_column)
    texts = tuple(text_columns or _usual_columns(rows, label_column))
    if kind == "token":
        texts = texts or tuple(c for c in rows.column_names if c != label_column)
        names = class_names(model, config_value(model, "num_labels", 0))
        if are_unnamed(names):  # the order of a `ClassLabel` is then all that numbers them
            names = names_of_lists(rows, label_column)[: len(names)] or names
        return encode_token_labels("the data", {"test": rows}, texts, label_column, names)[1]["test"], texts, kind
    labels = () if kind == "causal_lm" else (label_column,)
    check_columns("the data", rows, texts, "text_columns (--text_column)")
    check_columns("the data", rows, labels, "label_column")
    if len(texts) not in {1, 2}:
        raise UsageError(f"the columns of text are {list(texts)}: name one, or two for pairs, with text_columns=.")
    rows, _ = check_rows("the data", rows, texts, labels, drop_empty=None, kind=kind)
    rows = rows.select_columns([*texts, *labels])
    if kind == "causal_lm":
        return rows, texts, kind
    rows = rows.rename_columns({label_column: LABEL})
    if kind == "classification":
        rows = _with_numbers(rows, _numbered_classes(model))
    if kind == "multi_label":
        rows = _with_label_sets(rows, texts, _numbered_classes(model))
    if kind == "regression":
        rows = encode_numbers("the data", rows, LABEL, texts)
    return rows, texts, kind


def _rows_of_dicts(data: Sequence[Mapping[str, Any]]) -> Dataset:
    for row in data:
        if not isinstance(row, Mapping):
            raise UsageError(
                f"a row of the data set is a {type(row).__name__}: give a list of dicts, such as "
                '[{"text": "...", "label": 0}].'
            )
    return Dataset.from_list([{name: _readable(value) for name, value in row.items()} for row in data])


def _readable(value: Any) -> Any:
    """A text without halves of characters, as in files; any other value as it is."""
    return without_surrogates(value) if isinstance(value, str) else value


def class_names(model: nn.Module, classes: int) -> list[str]:
    """The names of a classifier's classes, by its configuration, or their numbers."""
    names: Mapping[int, str] = config_value(model, "id2label") or {}
    return [str(names.get(i, i)) for i in range(classes)]


def _usual_columns(rows: Dataset, label_column: str) -> Sequence[str]:
    """The columns of text among those of strings, others of which may hold a source, a name or a date.

    Raises:
        UsageError: there are several, and their names do not say which.
    """
    types = {column: getattr(feature, "dtype", None) for column, feature in rows.features.items()}
    columns = [column for column in types if types[column] in {"string", "large_string"} and column != label_column]
    if len(columns) < 2:
        return columns
    pairs, single = ([group for group in names if {*group} <= {*columns}] for names in (PAIRS, SINGLE))
    matching = pairs or single
    if len(matching) == 1:
        return matching[0]
    raise UsageError(
        f"several columns hold strings ({', '.join(columns)}), and their names do not say which the model reads: name "
        "one, or two for pairs, with text_columns=."
    )


def _numbered_classes(model: nn.Module) -> list[str]:
    """The names of the model's classes, by number; empty where its configuration does not say."""
    names = class_names(model, int(config_value(model, "num_labels", 0)))
    numbers: Mapping[str, int] = config_value(model, "label2id") or {}
    if any(name in numbers and int(numbers[name]) != i for i, name in enumerate(names)):
        raise UsageError(
            "the model's config.json numbers its classes in two ways: make label2id the inverse of id2label."
        )
    return names


def _with_numbers(rows: Dataset, names: Sequence[str]) -> Dataset:
    """The rows with the numbers of their classes.

    Labels are names where all of them are names of the model's classes, which may be numbers ("1" to "5"). True and
    false are the classes that are called so, such as "yes" and "no". Other labels are the numbers 0 to C - 1; the names
    of a `ClassLabel` are numbered in its order only if the model has none.

    Raises:
        UsageError: a label is neither; where some labels are names, it is one that is not a name.
    """
    feature, values = rows.features[LABEL], rows.unique(LABEL)
    class_label = feature if isinstance(feature, ClassLabel) else None
    if class_label and min(values) < 0:  # the hidden labels of some published test splits
        raise UsageError("some rows have the label -1, which marks a hidden label: evaluate on a split with labels.")
    text_of = {value: class_label.names[value] if class_label else label_name(value, names) for value in values}
    flags = [label_flag(name) for name in names]
    if flags.count(True) == flags.count(False) == 1 and all(isinstance(value, bool) for value in values):
        text_of = {value: names[flags.index(value)] for value in values}  # True is "yes", and not class number 1
    number_of = {text: number for number, text in enumerate(names)}
    unnamed = are_unnamed(names)
    others = [text for text in text_of.values() if text not in number_of]
    if others and (unnamed or not class_label):
        is_named = len(others) < len(text_of)
        text_of = {value: str(int(value)) if isinstance(value, bool | int) else text for value, text in text_of.items()}
        number_of = {str(number): number for number in range(len(names) or MOST_UNNAMED_CLASSES)}
        if is_named and not all(text in number_of for text in text_of.values()):
            raise unknown("label", next((text for text in others if text not in number_of), others[0]), names)
    for text in text_of.values():
        if text not in number_of:
            raise unknown("label", text, names or ["0 to C - 1, because the model's configuration has no names"])
    labels = [number_of[text_of[value]] for value in rows[LABEL]]
    return rows.remove_columns(LABEL).add_column(LABEL, labels)


def _with_label_sets(rows: Dataset, texts: Sequence[str], names: Sequence[str]) -> Dataset:
    """The rows with 0 or 1 for each of the model's labels: a list has those, or names."""
    lists, classes = lists_of_labels("the data", {"test": rows}, LABEL)["test"], names_of_lists(rows, LABEL)
    count = len(names) or len(lists[0])
    is_only_label = (
        count == 1 and not classes and all(len(row) == 1 and label_flag(row[0]) is not None for row in lists)
    )
    length = 1 if is_only_label else vector_length(lists, len(classes))
    flags = flags_of_vectors("the data", lists, length) if length else []
    matrix = np.zeros((len(lists), count), dtype=np.float32)
    for row, labels in enumerate(lists):
        if flags and classes:
            chosen = [name for name, on in zip(classes, flags[row], strict=True) if on]
        else:
            chosen = names_of_labels(labels, classes)
        if flags and not classes and length == count:
            matrix[row] = flags[row]
        # Where labels are called 0, 1 and 2, lists of 0 and 1 of another model are no sets of them.
        elif {*chosen} <= {*names} and not (flags and len({*chosen}) < len(chosen)):
            matrix[row, [names.index(name) for name in chosen]] = 1.0
        else:
            raise UsageError(
                f"the labels of row {row} are {labels!r}: give a list of 0 and 1 for each of the model's {count} "
                f"labels, or a list of their names ({', '.join(names)})."
            )
    return with_labels(rows, matrix, texts)
