"""Predict the texts of a file, piece by piece, so that the file may be larger than memory."""

import itertools
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasets import Dataset

from uegr.atomic_files import replacement
from uegr.data.file_readers import check_file
from uegr.data.kind import KIND_TITLES
from uegr.data.row_checks import with_texts
from uegr.data.splits import LABEL
from uegr.data.user_data import rows_of
from uegr.errors import UsageError
from uegr.evaluation.temperature import fit_temperature
from uegr.runs.open_classifier import OpenedClassifier
from uegr.runs.predicted_columns import ABSTAINED, columns_of, label_writer
from uegr.runs.prediction_files import PIECE, WRITERS, given_rows, renamed

logger = logging.getLogger("uegr")
WITHOUT_TEXT = None
"""Key of the number of rows without text."""


def predict_file(
    classifier: OpenedClassifier,
    file: Path,
    output: Path,
    *,
    abstain_below: float = 0.0,
    temperature: float = 1.0,
    on_rows: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str | None, int]:
    """Write one line per row of a file: its columns, and what the model predicts.

    A classifier predicts the label, the confidence, and the probability of each class; a model for regression a number;
    a model for several labels per text the labels, and the probability of each. A column of the file that has the name
    of a prediction, such as "label" in a labelled file, is written as "given_label". In a row whose texts are all empty
    the columns of the prediction are empty.

    Args:
        classifier: the model.
        file: CSV, TSV, JSON or Parquet, with the columns of text that the model reads.
        output: .csv or .jsonl; written under another name and moved into place at the end.
        abstain_below: the label is left empty where the confidence is below this, in [0, 1].
        temperature: divides the logits; see `calibrated_temperature`.
        on_rows: called after each piece.

    Returns:
        Number of rows per label, or per set of labels as it is written in CSV; the key of the rows without a label, as
        all are in regression, is `ABSTAINED`, and that of the rows without text None.

    Raises:
        UsageError: a file cannot be read or written, or `abstain_below` does not fit.
    """
    check_files(file, output)
    columns = columns_of(classifier, abstain_below=abstain_below, temperature=temperature)
    text_columns = classifier.evaluated.text_columns
    rows = with_texts(file.name, rows_of(file, text_columns), text_columns)
    given = given_rows(file, rows, output)
    header = [*renamed(rows.column_names, columns.header), *columns.header]
    counts: Counter[str | None] = Counter(dict.fromkeys(columns.labels, 0))
    as_cell = label_writer(classifier.names)
    with replacement(output) as opened:
        write = WRITERS[output.suffix](opened, header)
        for start in range(0, len(rows), PIECE):
            piece = rows.select(range(start, min(start + PIECE, len(rows))))
            texts = classifier.evaluated.texts(piece)
            filled = [i for i, text in enumerate(texts) if any(part.strip() for part in text)]
            predictions = columns.cells(classifier.logits(piece.select(filled))) if filled else []
            predicted = dict(zip(filled, predictions, strict=True))
            for i, row in enumerate(itertools.islice(given, len(piece))):
                cells = predicted.get(i, [None] * len(columns.header))
                label = as_cell(cells[0]) if isinstance(cells[0], list) else cells[0]
                is_labelled = columns.has_labels and cells[0] != []
                counts[WITHOUT_TEXT if i not in predicted else label if is_labelled else ABSTAINED] += 1
                write([*row, *(cells if output.suffix == ".jsonl" else [label, *cells[1:]])])
            on_rows(start + len(piece), len(rows))
    return dict(counts)


def check_files(file: Path, output: Path, calibrate_on: Path | None = None) -> None:
    """Refuse a file that cannot be read or written by its name, before a model is opened for it.

    Raises:
        UsageError: naming the file.
    """
    check_file(file)
    if output.suffix not in WRITERS:
        raise UsageError(f"cannot write '{output}': its ending must be one of {', '.join(WRITERS)}.")
    if output.is_dir():
        raise UsageError(f"'{output}' is a folder: name a file with --output.")
    for path, purpose in ((file, "file of the texts"), (calibrate_on, "file to calibrate on")):
        if path is not None and output.resolve() == path.resolve():
            raise UsageError(f"'{output}' is the {purpose}: name another with --output.")


def calibrated_temperature(classifier: OpenedClassifier, file: Path | None, label_column: str | None = None) -> float:
    """Return the temperature that calibrates a classifier on a labelled file or on the validation split of a run.

    It is 1.0 where the run's own split decides none: the model is right on all of it, or it has one class only.

    Raises:
        UsageError: the file does not determine a temperature, or the model is not a classifier.
    """
    kind = classifier.evaluated.kind
    if kind != "classification":
        title = KIND_TITLES[kind]
        raise UsageError(
            f"confidences are those of classifiers, and this is a model for {title}: nothing to calibrate."
        )
    temperature = _fitted(classifier, classifier.labelled_rows(file, "validation", label_column))
    if temperature is None and file is not None:
        raise UsageError(
            f"'{file}' cannot calibrate the confidences: give more labelled texts, of all classes, on some of which "
            "the model is wrong."
        )
    return 1.0 if temperature is None else temperature


def own_temperature(classifier: OpenedClassifier, *, is_needed: bool) -> float:
    """Return the temperature that calibrates a run on its own validation data.

    The data may be gone, as on another machine, have changed, or have been in memory: it is 1.0 then, with a note.

    Args:
        classifier: a run.
        is_needed: data that cannot be used is an error.

    Raises:
        UsageError: the data is needed and cannot be used.
    """
    try:
        rows = classifier.labelled_rows(None, "validation", LABEL)
    except UsageError as error:
        reason = str(error).rpartition(": ")[0] or str(error)  # the fix after the colon is that of another command
        message = f"the run's own data cannot calibrate the confidences ({reason}): name a file with --calibrate_on."
        if is_needed:
            raise UsageError(message) from error
        logger.warning("note: %s", message)
        return 1.0
    return _fitted(classifier, rows) or 1.0


def _fitted(classifier: OpenedClassifier, rows: Dataset) -> float | None:
    return fit_temperature(classifier.logits(rows), np.asarray(rows[LABEL][:]))
