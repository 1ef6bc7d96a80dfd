"""Open a model of texts: a run of uegr, or any Hugging Face checkpoint, with its classes and columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.data.kind import KIND_TITLES, Kind
from uegr.data.splits import LABEL
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import BATCH_SIZE, EvaluatedModel
from uegr.evaluation.evaluation_data import KIND_OF_PROBLEM, class_names, evaluation_rows
from uegr.modeling.model_loading import load_tokenizer, load_trained, name_or_folder
from uegr.modeling.tokenizer_match import check_match
from uegr.perturb.text_normalizer import with_normalizer
from uegr.runs.finished_run import FinishedRun, open_trained, training_data
from uegr.runs.run_folder import RUN

MAX_LENGTH = 512
"""Maximum number of tokens of a text; a checkpoint with fewer positions reads fewer."""


@dataclass(frozen=True)
class OpenedClassifier:
    """A classifier that is ready to be used.

    Args:
        path: the folder, or a hub name.
        evaluated: the model, with the columns of text that it reads.
        names: the class names, or those of several outputs of regression, in order; none for one output.
        run: the run.json of a run of uegr, whose own splits can be used; None for other folders.
        normalize: the steps that were put before the normalizer of the folder's tokenizer.
    """

    path: Path
    evaluated: EvaluatedModel
    names: list[str]
    run: dict[str, Any] | None
    normalize: tuple[str, ...] = ()

    def labelled_rows(self, file: Path | None, split: str, label_column: str | None = None) -> Dataset:
        """Return rows with the index of their class in the column "label".

        Args:
            file: a labelled file; None takes the run's own data.
            split: "test" or "validation", of the run's own data.
            label_column: column of the label in the file; None takes that of the run's training, or "label".

        Raises:
            UsageError: there is no file, and the model is not a run or its data is not available.
        """
        if file is not None:
            columns = self.evaluated.text_columns
            own = {} if self.run is None else self.run["config"]["data"]
            label_column = label_column or own.get("label_column") or LABEL
            rows, _, _ = evaluation_rows(self.evaluated.model, file, columns, label_column, "classification")
            return rows
        if self.run is None:
            raise UsageError(f"'{self.path}' is not a run of uegr and has no data of its own: give a labelled file.")
        data = training_data(self.path, self.run, self.evaluated)
        rows = FinishedRun(self.path, self.run, data, self.evaluated).rows(split)
        names = dict(zip(data.text_columns, self.evaluated.text_columns, strict=True))
        return rows.rename_columns({own: name for own, name in names.items() if own != name})

    def logits(self, rows: Dataset) -> NDArray[np.float64]:
        """Return the logits (N, C) of rows, whose labels are not needed."""
        return self.evaluated.logits_of(self.evaluated.texts(rows))


def open_model(
    path: Path,
    text_column: str | None = None,
    text_pair_column: str | None = None,
    max_length: int | None = None,
    *,
    kinds: Sequence[Kind] = ("classification",),
    normalize: Sequence[str] = (),
    batch_size: int = BATCH_SIZE,
    trust_remote_code: bool = False,
) -> OpenedClassifier:
    """Open a run or a checkpoint.

    Args:
        path: a run, a Hugging Face folder, or a name of the hub.
        text_column, text_pair_column: columns of text in the files; by default those of the run, or "text".
        max_length: texts are cut to this number of tokens; by default as the run was trained, or 512.
        kinds: kinds of task that the caller can use.
        normalize: steps to put before the tokenizer's own normalizer, in memory only; see
            `uegr.perturb.text_normalizer.with_normalizer`.
        batch_size: number of texts that the model reads at once.
        trust_remote_code: run the Python code of the run's folder.

    Raises:
        UsageError: there is no such model, it is of another kind, the columns do not fit it, or its
            tokenizer cannot have these steps.
    """
    opened = open_trained if (path / RUN).is_file() else _checkpoint
    run, evaluated = opened(path, batch_size, trust_remote_code=trust_remote_code)
    outputs = int(evaluated.model.config.num_labels)
    is_one_number = evaluated.kind == "regression" and outputs == 1
    if evaluated.kind not in kinds:
        fault = "has one output" if is_one_number else f"is a model for {KIND_TITLES[evaluated.kind]}"
        titles = " or ".join(KIND_TITLES[kind] for kind in kinds)
        fitting = f"a model for {titles}" if len(kinds) > 1 else "a classifier of at least two classes"
        raise UsageError(f"'{path}' {fault}: name {fitting}.")
    columns = evaluated.text_columns
    given = tuple(filter(None, (text_column or columns[0], text_pair_column or "".join(columns[1:]))))
    if run is not None and len(given) != len(columns):
        raise UsageError(
            f"'{path}' was trained on the columns {', '.join(columns)}: name {len(columns)} columns of text."
        )
    if LABEL in given:
        raise UsageError(f"a column of text cannot be called '{LABEL}', the name of the column of classes: rename it.")
    evaluated = evaluated.reading(given)
    evaluated.tokenizer = with_normalizer(evaluated.tokenizer, normalize)
    if max_length is not None:
        evaluated.cut_to(max_length)
    names = [] if is_one_number else class_names(evaluated.model, outputs)
    return OpenedClassifier(path, evaluated, names, run, tuple(normalize))


def _checkpoint(path: Path, batch_size: int, *, trust_remote_code: bool) -> tuple[None, EvaluatedModel]:
    """The model and tokenizer of any checkpoint, which has no run.json."""
    model = load_trained(path, trust_remote_code=trust_remote_code)
    tokenizer = load_tokenizer(name_or_folder(path), trust_remote_code=trust_remote_code)
    check_match(model, tokenizer)
    kind = KIND_OF_PROBLEM.get(model.config.problem_type or "", "classification")
    if kind == "classification" and model.config.num_labels == 1:
        kind = "regression"
    return None, EvaluatedModel(model, tokenizer, kind=kind, batch_size=batch_size, max_length=MAX_LENGTH)
