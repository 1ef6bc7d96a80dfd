"""The paper's two claims on real runs: does the adversary shrink input gradients, does a small p_hat find flat minima?

    python -m experiments.theory_study [MINUTES]    train and measure what has no result yet, for this much CPU time

With plain SGD, as the theorem assumes, and with AdamW: one claim at a time on a small model, and UEGR as it ships, with
three smallest update probabilities, on its default model. The results are in results/theory.json; `make results` writes
the tables of docs/theory.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from experiments.short_training import accuracy, train_briefly
from experiments.study_runs import run_cells
from experiments.theory_tables import FILE
from uegr.data.data_source import DataSource
from uegr.data.encoding import encode
from uegr.data.task_data import TaskData
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.landscape.curvature import largest_eigenvalues, sharpness, trace
from uegr.evaluation.landscape.input_gradients import input_gradient_norms, mean_and_error
from uegr.evaluation.landscape.loss_surface import surface_of
from uegr.libraries import silence_libraries
from uegr.methods.method_lookup import make_config
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.modeling.model_loading import load_classifier, load_tokenizer

SEEDS = (0, 1, 2)
OPTIMIZERS = ("sgd", "adamw")
EPOCHS, TEST = 8, 500
SAM_RHO = 0.05
P_HATS = (1.0, 0.5, 0.2, 0.1, 0.05)
SHIPPED_P_HATS = {1.0: {"p_min": 1.0}, 0.23: {"p_min": 0.1}, 0.03: {"p_min": 0.03, "beta": 3.0}}
"""Smallest update probability -> its options. The default sigmoid begins at 0.23, whatever smaller p_min is given."""
EPSILONS = (0.05, 0.15)
CORE = (1.0, 0.05, 0.15)
"""Settings that are run first."""
PLAIN = {"epsilon": 0.0, "passes": 1, "js_weight": 0.0, "clean_weight": 0.0}
ADVERSARY = {"passes": 1, "js_weight": 0.0, "clean_weight": 0.0, "p_min": 1.0}


@dataclass(frozen=True)
class Training:
    """What the cells of a group share.

    Args:
        model: a folder of UEGR_MODELS, or the default model.
        task, examples, batch_size: of the training.
        measured: number of training sentences whose loss has the curvature that is measured.
        learning_rate: by optimizer.
    """

    model: str
    task: str
    examples: int
    batch_size: int
    measured: int
    learning_rate: dict[str, float]


# Of Rotten Tomatoes bert-tiny learns nothing from 500 sentences.
SMALL = Training("bert-tiny", "subj", 500, 16, 96, {"sgd": 0.03, "adamw": 3e-4})
TRAININGS = {
    "p_hat": SMALL,
    "epsilon": SMALL,
    "shipped": Training(EMBEDDED_MODEL, "trec", 300, 32, 64, {"sgd": 0.1, "adamw": 1e-4}),
}


@dataclass(frozen=True)
class Cell:
    """One training: a group of the study, its setting, an optimizer, a seed."""

    group: str
    setting: float
    optimizer: str
    seed: int
    options: dict[str, Any] = field(default_factory=dict)


def cells() -> Iterator[Cell]:
    """All trainings: the ends of the ranges first, and seed by seed, so that an unfinished study is balanced."""
    yield from sorted(_cells(), key=lambda cell: (cell.setting not in CORE, cell.optimizer))
    for seed in SEEDS:
        for p_hat, options in SHIPPED_P_HATS.items():
            for optimizer in OPTIMIZERS:
                yield Cell("shipped", p_hat, optimizer, seed, options)


def _cells() -> Iterator[Cell]:
    for seed in SEEDS:
        for optimizer in OPTIMIZERS:
            for p_hat in P_HATS:
                # The theorem's form: g <- m * g / p, p from p_hat to 1, masks independent of the gradient.
                selection = {"probability": "linear", "p_min": p_hat, "mask_mode": "gradient"}
                yield Cell("p_hat", p_hat, optimizer, seed, {**PLAIN, **selection})
            for epsilon in EPSILONS:
                yield Cell("epsilon", epsilon, optimizer, seed, {**ADVERSARY, "epsilon": epsilon})


def measured(cell: Cell) -> dict[str, Any]:
    """Train one cell, and measure accuracy and curvature of the result."""
    training = TRAININGS[cell.group]
    source = DataSource(task=training.task, max_train_examples=training.examples, max_test_examples=TEST)
    data = source.load(cell.seed)
    evaluated_model = trained(cell, training, data)
    return {
        **landscape(evaluated_model, data.train.select(range(training.measured)), data.test, cell.seed),
        "test_accuracy": accuracy(evaluated_model, data.test),
    }


def landscape(evaluated_model: EvaluatedModel, train_rows: Dataset, test_rows: Dataset, seed: int) -> dict[str, float]:
    """Curvature of the mean loss on some training rows, and the mean input-gradient norm on test rows."""
    with surface_of(evaluated_model, train_rows) as surface:
        curvature = {
            "train_loss": surface.loss(),
            "eigenvalue": largest_eigenvalues(surface, 1, tolerance=0.05, seed=seed)[0],
            "trace": trace(surface, probes=6, seed=seed)["mean"],
            "sharpness": sharpness(surface, [SAM_RHO])["increase"][0],
        }
    return {**curvature, "input_gradient": mean_and_error(input_gradient_norms(evaluated_model, test_rows))["mean"]}


def trained(cell: Cell, training: Training, data: TaskData) -> EvaluatedModel:
    """The trained classifier of one cell."""
    folder = Path(os.environ["UEGR_MODELS"]) / training.model
    path = str(folder) if folder.is_dir() else training.model
    tokenizer = load_tokenizer(path)
    model = load_classifier(path, data.label_names, cell.seed).train()
    encoded = encode(data.train, tokenizer, data.text_columns, 128)
    make = torch.optim.SGD if cell.optimizer == "sgd" else torch.optim.AdamW
    optimizer = make(model.parameters(), lr=training.learning_rate[cell.optimizer], weight_decay=0.0)
    config, size = make_config("uegr", cell.options), training.batch_size
    train_briefly(model, encoded, tokenizer, config, optimizer, epochs=EPOCHS, batch_size=size, seed=cell.seed)
    return EvaluatedModel(model, tokenizer, data.text_columns)


def _settings() -> dict[str, Any]:
    return {
        "trainings": {group: asdict(training) for group, training in TRAININGS.items()},
        "test_examples": TEST,
        "epochs": EPOCHS,
        "schedule": "linear decay",
        "sam_rho": SAM_RHO,
    }


if __name__ == "__main__":
    silence_libraries()
    torch.set_num_threads(1)
    run_cells(cells(), measured, FILE, _settings(), minutes=float(sys.argv[1]) if len(sys.argv) > 1 else 25.0)
