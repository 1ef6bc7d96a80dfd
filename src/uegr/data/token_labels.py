"""Rows with a label per word, as in named-entity recognition: words as one text, labels as lists of class numbers.

A text is kept as its words with single spaces between them, so that all code that reads or perturbs texts works on it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from datasets import Dataset, Value
from datasets import List as ListOf

from uegr.data.kind import IGNORED_LABEL
from uegr.data.label_encoding import in_order, label_text, names_of_lists
from uegr.data.printed_lists import is_printed_list, read_printed_list
from uegr.data.row_checks import LABEL_OPTION, TEXT_OPTIONS, check_columns
from uegr.data.splits import LABEL, reference_split
from uegr.errors import UsageError

OUTSIDE = "O"
"""The tag of words that belong to no entity."""
SPACE_IN_WORD = "\u00a0"
"""Represents a space inside a word: the text is split at plain spaces only."""


def encode_token_labels(
    name: str,
    splits: dict[str, Dataset],
    text_columns: Sequence[str],
    label_column: str,
    label_names: Sequence[str] | None = None,
) -> tuple[tuple[str, ...], dict[str, Dataset]]:
    """The names of the tags, and rows with a text and the list of its words' classes 0..C-1 in the column "label".

    Args:
        name: name of the task in error messages.
        splits: raw rows.
        text_columns: one column: a list of words, or a text whose words are separated by spaces.
        label_column: a list of as many tags, or a text with them: names such as B-person, or numbers. A word with the
            tag -100 is not a target, as in Hugging Face's data sets.
        label_names: names of the tags 0..C-1; None takes the names from the training rows, O first.

    Raises:
        UsageError: a row with more or fewer tags than words, an unknown tag, two columns of text.
    """
    if len(text_columns) != 1:
        raise UsageError(f"{name}: a label per word needs one column of text, not {len(text_columns)}: name one.")
    for split, rows in splits.items():
        check_columns(f"{name} ({split})", rows, text_columns, TEXT_OPTIONS[0])
        check_columns(f"{name} ({split})", rows, [label_column], LABEL_OPTION)
    first = splits[reference_split(splits)]
    label_names = label_names or names_of_lists(first, label_column)
    tags = {split: _lists(f"{name} ({split})", rows[label_column]) for split, rows in splits.items()}
    if not label_names:
        seen = {label_text(tag) for row in tags[reference_split(tags)] for tag in row} - {str(IGNORED_LABEL)}
        label_names = sorted(in_order(seen), key=lambda tag: tag != OUTSIDE)
    encoded = {
        split: _encoded(f"{name} ({split})", text_columns[0], rows[text_columns[0]], tags[split], label_names)
        for split, rows in splits.items()
    }
    return tuple(label_names), encoded


def _encoded(
    name: str, text_column: str, texts: Iterable[Any], tags: Sequence[Sequence[Any]], label_names: Sequence[str]
) -> Dataset:
    class_of: dict[Any, int] = {tag: i for i, tag in enumerate(label_names)}
    rows: dict[str, list[Any]] = {text_column: [], LABEL: []}
    for number, (text_words, row_tags) in enumerate(zip(_lists(name, texts), tags, strict=True)):
        words = [str(word).replace(" ", SPACE_IN_WORD) for word in text_words]
        if len(words) != len(row_tags):
            raise UsageError(
                f"{name}: row {number} has {len(words)} words and {len(row_tags)} labels: give each word one."
            )
        if not words:
            continue  # a blank line between documents
        rows[text_column].append(" ".join(words))
        rows[LABEL].append([_class(name, number, tag, class_of, label_names) for tag in row_tags])
    dataset = Dataset.from_dict(rows)
    return dataset.cast_column(text_column, Value("string")).cast_column(LABEL, ListOf(Value("int64")))


def _class(name: str, row: int, tag: Any, class_of: dict[Any, int], label_names: Sequence[str]) -> int:
    if label_text(tag) == str(IGNORED_LABEL):
        return IGNORED_LABEL
    named = class_of.get(label_text(tag))
    if named is not None:
        return named
    if isinstance(tag, int) and 0 <= tag < len(label_names):
        return tag
    raise UsageError(
        f"{name}: the label '{tag}' in row {row} is not among the training labels ({', '.join(label_names)}): correct "
        "or remove that row."
    )


def _lists(name: str, cells: Iterable[Any]) -> list[list[Any]]:
    """The cells of a column as lists: lists, lists printed into texts, or words with spaces between them."""
    cells = list(cells)
    texts = [cell for cell in cells if isinstance(cell, str)]
    printed = bool(texts) and all(map(is_printed_list, texts))
    lists = []
    for row, cell in enumerate(cells):
        if isinstance(cell, str):
            lists.append(read_printed_list(cell, f"{name}: row {row}") if printed else cell.split())
        else:
            lists.append(list(cell or ()))
        if any(entry is None for entry in lists[-1]):
            raise UsageError(f"{name}: row {row} holds an empty word or label: {cell!r}; correct the row.")
    return lists
