"""Rows with a label per word, as in named-entity recognition: words as one text, labels as lists of class numbers.

A text is kept as its words with single spaces between them, so that all code that reads or perturbs texts works on it.
"""

from collections.abc import Iterable, Mapping, Sequence
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
IGNORED = str(IGNORED_LABEL)
"""The tag of words that are no target, as it is written in a file."""


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
        label_names: names of the tags 0..C-1. Tags are the numbers 0 to C-1 only if not all of them, in all splits,
            are names. None takes the names from the training rows, O first, and reads all tags as names.

    Raises:
        UsageError: a row with more or fewer tags than words, an unknown tag, a split without tags, two columns of text.
    """
    if len(text_columns) != 1:
        raise UsageError(f"{name}: a label per word needs one column of text, not {len(text_columns)}: name one.")
    for split, rows in splits.items():
        check_columns(f"{name} ({split})", rows, text_columns, TEXT_OPTIONS[0])
        check_columns(f"{name} ({split})", rows, [label_column], LABEL_OPTION)
    tags = {split: _tags(f"{name} ({split})", rows, label_column) for split, rows in splits.items()}
    seen = {split: {tag for row in rows for tag in row} - {IGNORED} for split, rows in tags.items()}
    reference = reference_split(splits)
    names = label_names or names_of_lists(splits[reference], label_column)
    names = names or sorted(in_order(seen[reference]), key=lambda tag: tag != OUTSIDE)
    class_of = _classes(names, set().union(*seen.values()), may_be_numbers=bool(label_names))
    encoded = {
        split: _encoded(f"{name} ({split})", text_columns[0], rows[text_columns[0]], tags[split], class_of)
        for split, rows in splits.items()
    }
    return tuple(names), encoded


def _tags(name: str, rows: Dataset, column: str) -> list[list[str]]:
    """The tags of each row as texts: the numbers of a `ClassLabel`, whose order may differ by split, by their names."""
    text_of = {str(number): tag for number, tag in enumerate(names_of_lists(rows, column))}
    lists = [[label_text(tag) for tag in row] for row in _lists(f"{name}, column '{column}'", rows[column])]
    if any(lists) and all(tag == IGNORED for row in lists for tag in row):
        raise UsageError(f"{name}: no word has a tag ({IGNORED} marks words without one): give rows with tags.")
    return [[text_of.get(tag, tag) for tag in row] for row in lists]


def _classes(names: Sequence[str], seen: set[str], *, may_be_numbers: bool) -> dict[str, int]:
    """The class of each tag as it is written, which is decided for all tags at once: 1 may be a name and a number."""
    named = {tag: number for number, tag in enumerate(names)}
    numbered = {str(number): number for number in range(len(names))}
    return numbered if may_be_numbers and not seen <= {*named} and seen <= {*numbered} else named


def _encoded(
    name: str, text_column: str, texts: Iterable[Any], tags: Sequence[Sequence[str]], class_of: Mapping[str, int]
) -> Dataset:
    rows: dict[str, list[Any]] = {text_column: [], LABEL: []}
    words_of_rows = _lists(f"{name}, column '{text_column}'", texts)
    for number, (text_words, row_tags) in enumerate(zip(words_of_rows, tags, strict=True)):
        words = [str(word).replace(" ", SPACE_IN_WORD) for word in text_words]
        if len(words) != len(row_tags):
            raise UsageError(
                f"{name}: row {number} has {len(words)} words and {len(row_tags)} labels: give each word one."
            )
        if not words:
            continue  # a blank line between documents
        for tag in row_tags:
            if tag != IGNORED and tag not in class_of:
                raise UsageError(
                    f"{name}: the label '{tag}' in row {number} is not among the labels {', '.join(class_of)}: rename "
                    "it in all rows, or correct or remove that row."
                )
        rows[text_column].append(" ".join(words))
        rows[LABEL].append([class_of.get(tag, IGNORED_LABEL) for tag in row_tags])
    dataset = Dataset.from_dict(rows)
    return dataset.cast_column(text_column, Value("string")).cast_column(LABEL, ListOf(Value("int64")))


def _lists(name: str, cells: Iterable[Any]) -> list[list[Any]]:
    """The cells of a column as lists: lists, lists printed into texts, or words with spaces between them."""
    cells = list(cells)
    texts = [cell for cell in cells if isinstance(cell, str)]
    printed = bool(texts) and all(map(is_printed_list, texts))
    lists = []
    for row, cell in enumerate(cells):
        if isinstance(cell, str):
            lists.append(read_printed_list(cell, f"{name}: row {row}") if printed else cell.split())
        elif cell is None or isinstance(cell, list | tuple):
            lists.append(list(cell or ()))
        else:
            raise UsageError(f"{name}: row {row} holds {cell!r}: give a list, or words with spaces between them.")
        if any(entry is None for entry in lists[-1]):
            raise UsageError(f"{name}: row {row} holds an empty word or label: {cell!r}; correct the row.")
    return lists
