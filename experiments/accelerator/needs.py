"""What the cells of a comparison need to run, apart from libraries."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from experiments.accelerator.package import ROOT
from uegr.compare.cell import Cell, with_model_path
from uegr.errors import UsageError
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.methods.method_lookup import make_config
from uegr.perturb.natural_misspellings import NaturalMisspellings
from uegr.perturb.rewording import Rewording
from uegr.perturb.synonyms import load_synonyms


@dataclass(frozen=True)
class Needs:
    """What a set of cells needs.

    Args:
        tasks: the named tasks that are trained.
        tested: those that are only tested on -> how many examples of each; None: all.
        tables: the synonym tables.
        misspellings: whether words are misspelt as in the lists of misspellings.
        text_attacks: whether texts are attacked, and so compared by the embedded sentence encoder.
    """

    tasks: frozenset[str]
    tested: dict[str, int | None]
    tables: frozenset[str]
    misspellings: bool
    text_attacks: bool


def needs_of(cells: Iterable[Cell]) -> Needs:
    """What these cells need; a `UsageError` if that cannot be packed."""
    cells = list(cells)
    attacks = [attack for cell in cells for attack in cell.measurement.further_attacks()]
    edits = {edit for cell in cells for edit in _edits(cell)} | {attack.name for attack in attacks}
    tables = {str(attack.options()["synonyms"]) for attack in attacks if isinstance(attack, SynonymSwap)}
    if Rewording.name in edits:
        tables.add(load_synonyms().source)
    for cell in cells:
        _check_files(cell)
    trained = {cell.config.data.task for cell in cells if cell.config.data.task is not None}
    return Needs(
        tasks=frozenset(trained),
        tested={task: _most_tested(cells, task) for task in _tested(cells) - trained},
        tables=frozenset(tables),
        misspellings=NaturalMisspellings.name in edits,
        text_attacks=any(isinstance(attack, TextAttack) for attack in attacks),
    )


def _tested(cells: Iterable[Cell]) -> set[str]:
    return {task for cell in cells for task in cell.measurement.transfer}


def _most_tested(cells: Iterable[Cell], task: str) -> int | None:
    """The number of examples if all cells test on the same number of them, which are then the same examples."""
    limits = {cell.config.data.max_test_examples for cell in cells if task in cell.measurement.transfer}
    return limits.pop() if len(limits) == 1 else None


def check_model(model: str, cells: Iterable[Cell]) -> str:
    """The model as the cells name it, if it is the one that all of them train: "$UEGR_MODELS/bert-tiny"."""
    names = sorted({cell.config.model for cell in cells})
    other = [name for name in names if name not in (model, f"$UEGR_MODELS/{model}") and not _same_folder(name, model)]
    if other or len(names) > 1:
        raise UsageError(
            f"the comparisons train {', '.join(names)}, not {model} alone: name that model, or write a grid with "
            f"'base: GRID.yaml' and 'models: [...]'."
        )
    return names[0]


def model_folder(name: str, cells: Iterable[Cell]) -> Path:
    """The folder of a model that a comparison names by a path with $VARIABLES."""
    if not name.startswith("$"):
        raise UsageError(f"the comparison names the model '{name}' without a variable: write $UEGR_MODELS/NAME.")
    folder = Path(with_model_path(next(iter(cells)).config).model)
    if not folder.is_dir():
        raise UsageError(f"there is no folder '{folder}', which the comparison names as '{name}': check the variable.")
    return folder


def _same_folder(name: str, model: str) -> bool:
    return Path(os.path.expandvars(name)).resolve() == Path(model).resolve()


def _edits(cell: Cell) -> set[str]:
    views = make_config(cell.config.method, cell.config.options).parsed_views()
    return {edit.name for view in views for edit in view.edits}


def _check_files(cell: Cell) -> None:
    """Refuse data that does not travel: the user's own files go with the repository."""
    data = cell.config.data
    if data.dataset is not None:
        raise UsageError(f"task '{cell.task}' is a data set of the hub: save its rows as files in the repository.")
    for path in (data.train_file, data.validation_file, data.test_file):
        if path is not None and (Path(path).is_absolute() or not (ROOT / path).resolve().is_relative_to(ROOT)):
            raise UsageError(f"'{path}' of task '{cell.task}' is outside the repository: move the file into it.")
