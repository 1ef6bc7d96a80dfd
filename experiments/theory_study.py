"""The paper's two claims on real runs: does the adversary shrink input gradients, does a small p_hat find flat minima?

    python -m experiments.theory_study [MINUTES]    train and measure what has no result yet, for this much CPU time

bert-tiny on 500 sentences of Subj (of Rotten Tomatoes it learns nothing from 500), with plain SGD, as the theorem
assumes, and with AdamW. The results are in results/theory.json; `make results` writes the tables of docs/theory.md.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from experiments.theory_tables import FILE
from uegr.atomic_files import write_json
from uegr.data.data_source import DataSource
from uegr.data.encoding import LengthGroupedSampler, encode, lengths_of
from uegr.data.task_data import TaskData
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.landscape.curvature import largest_eigenvalues, sharpness, trace
from uegr.evaluation.landscape.input_gradients import input_gradient_norms, mean_and_error
from uegr.evaluation.landscape.loss_surface import surface_of
from uegr.libraries import silence_libraries
from uegr.methods.method_lookup import make_config
from uegr.modeling.model_loading import load_classifier, load_tokenizer

SEEDS = (0, 1, 2)
EPOCHS, BATCH, TRAIN, TEST, MEASURED = 8, 16, 500, 500, 96
LEARNING_RATE = {"sgd": 0.03, "adamw": 3e-4}
SAM_RHO = 0.05
P_HATS = (1.0, 0.5, 0.2, 0.1, 0.05)
EPSILONS = (0.05, 0.15)
CORE = (1.0, 0.05, 0.15)
"""Settings that are run first."""
PLAIN = {"epsilon": 0.0, "passes": 1, "js_weight": 0.0, "clean_weight": 0.0}
ADVERSARY = {"passes": 1, "js_weight": 0.0, "clean_weight": 0.0, "p_min": 1.0}


@dataclass(frozen=True)
class Cell:
    """One training: a group of the study, its setting, an optimizer, a seed."""

    group: str
    setting: float
    optimizer: str
    seed: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, float, str, int]:
        return self.group, self.setting, self.optimizer, self.seed


def cells() -> Iterator[Cell]:
    """All trainings: the ends of the ranges first, and seed by seed, so that an unfinished study is balanced."""
    yield from sorted(_cells(), key=lambda cell: (cell.setting not in CORE, cell.optimizer))


def _cells() -> Iterator[Cell]:
    for seed in SEEDS:
        for optimizer in LEARNING_RATE:
            for p_hat in P_HATS:
                # The theorem's form: g <- m * g / p, p from p_hat to 1, masks independent of the gradient.
                selection = {"probability": "linear", "p_min": p_hat, "mask_mode": "gradient"}
                yield Cell("p_hat", p_hat, optimizer, seed, {**PLAIN, **selection})
            for epsilon in EPSILONS:
                yield Cell("epsilon", epsilon, optimizer, seed, {**ADVERSARY, "epsilon": epsilon})


def run(minutes: float) -> None:
    """Train and measure the cells that have no result, until the CPU time is used up."""
    deadline = time.process_time() + 60 * minutes
    runs: list[dict[str, Any]] = json.loads(FILE.read_text())["runs"] if FILE.exists() else []
    done = {(run["group"], run["setting"], run["optimizer"], run["seed"]) for run in runs}
    for cell in cells():
        if cell.key in done:
            continue
        if time.process_time() > deadline:
            print("the time is used up; run again to continue", flush=True)
            return
        measurements = measured(cell)
        runs.append({**asdict(cell), **measurements})
        write_json(FILE, {"settings": _settings(), "runs": runs})
        print(cell.key, measurements, flush=True)


def measured(cell: Cell) -> dict[str, Any]:
    """Train one cell, and measure accuracy and curvature of the result."""
    started = time.perf_counter()
    data = DataSource(task="subj", max_train_examples=TRAIN, max_test_examples=TEST).load(cell.seed)
    evaluated_model = trained(cell, data)
    rows = data.train.select(range(MEASURED))
    with surface_of(evaluated_model, rows) as surface:
        landscape = {
            "train_loss": surface.loss(),
            "eigenvalue": largest_eigenvalues(surface, 1, tolerance=0.05, seed=cell.seed)[0],
            "trace": trace(surface, probes=6, seed=cell.seed)["mean"],
            "sharpness": sharpness(surface, [SAM_RHO])["increase"][0],
        }
    probabilities, labels = evaluated_model.probabilities(data.test)
    return {
        **landscape,
        "input_gradient": mean_and_error(input_gradient_norms(evaluated_model, data.test))["mean"],
        "test_accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "seconds": time.perf_counter() - started,
    }


def trained(cell: Cell, data: TaskData) -> EvaluatedModel:
    """The trained classifier of one cell; a loop of its own, with constant batch size and linear decay."""
    path = str(Path(os.environ["UEGR_MODELS"]) / "bert-tiny")
    tokenizer = load_tokenizer(path)
    model = load_classifier(path, data.label_names, cell.seed).train()
    encoded = encode(data.train, tokenizer, data.text_columns, 128)
    steps = EPOCHS * -(-len(encoded) // BATCH)
    make = torch.optim.SGD if cell.optimizer == "sgd" else torch.optim.AdamW
    optimizer = make(model.parameters(), lr=LEARNING_RATE[cell.optimizer], weight_decay=0.0)
    method = make_config("uegr", cell.options).attach(model=model, optimizer=optimizer, seed=cell.seed)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 - step / steps)
    sampler = LengthGroupedSampler(lengths_of(encoded), BATCH, cell.seed)
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        order = list(sampler)
        for start in range(0, len(order), BATCH):
            batch = tokenizer.pad([encoded[i] for i in order[start : start + BATCH]], return_tensors="pt")
            method.loss(batch).backward()
            method.optimizer.step()
            schedule.step()
            method.optimizer.zero_grad()
    return EvaluatedModel(model, tokenizer, data.text_columns)


def _settings() -> dict[str, Any]:
    return {
        "model": "bert-tiny",
        "task": "subj",
        "train_examples": TRAIN,
        "test_examples": TEST,
        "measured_examples": MEASURED,
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "learning_rate": LEARNING_RATE,
        "schedule": "linear decay",
        "sam_rho": SAM_RHO,
    }


if __name__ == "__main__":
    silence_libraries()
    torch.set_num_threads(1)
    run(float(sys.argv[1]) if len(sys.argv) > 1 else 25.0)
