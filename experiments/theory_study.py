"""The paper's two claims on real runs: does the adversary shrink input gradients, does a small p_hat find flat minima?

    python -m benchmarks.theory run [MINUTES]   train and measure what is not measured yet, for so many CPU minutes
    python -m benchmarks.theory table           write the tables into docs/theory.md

bert-tiny on 500 sentences of Subj (on Rotten Tomatoes it learns nothing from so few), with plain SGD, as the theorem
assumes, and with AdamW. Everything is committed in results/theory/runs.json.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from scipy.stats import t

from uegr.atomic_files import write_json, write_text
from uegr.data.data_source import DataSource
from uegr.data.encoding import LengthGroupedSampler, encode, lengths_of
from uegr.data.task_data import TaskData
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.landscape.curvature import largest_eigenvalues, sharpness, trace
from uegr.evaluation.landscape.input_gradients import input_gradient_norms, mean_and_error
from uegr.evaluation.landscape.loss_surface import surface_of
from uegr.libraries import silence_libraries
from uegr.methods.registry import create_method
from uegr.modeling.model_loading import load_classifier, load_tokenizer

RESULTS, DOCUMENT = Path("results/theory/runs.json"), Path("docs/theory.md")
SEEDS = (0, 1, 2)
EPOCHS, BATCH, TRAIN, TEST, MEASURED = 8, 16, 500, 500, 96
LEARNING_RATE = {"sgd": 0.03, "adamw": 3e-4}
SAM_RHO = 0.05
P_HATS = (1.0, 0.5, 0.2, 0.1, 0.05)
EPSILONS = (0.05, 0.15)
CORE = (1.0, 0.05, 0.15)
"""Settings that come first."""
COLUMNS = {
    "test_accuracy": "test accuracy",
    "train_loss": "training loss",
    "input_gradient": "input-gradient norm",
    "eigenvalue": "largest eigenvalue",
    "trace": "trace",
    "sharpness": "SAM sharpness",
}
PLAIN = {"adversary": False, "passes": 1, "js_weight": 0.0, "clean_weight": 0.0}
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
    """All trainings, the ends of the range first and seed by seed, so that a study cut short is balanced."""
    yield from sorted(_cells(), key=lambda one: (one.setting not in CORE, one.optimizer))


def _cells() -> Iterator[Cell]:
    for seed in SEEDS:
        for optimizer in LEARNING_RATE:
            for p_hat in P_HATS:
                # The theorem's form: g <- m * g / p, p from p_hat to 1, masks independent of the gradient.
                selection = {"probability": "linear", "p_min": p_hat, "meaning": "gradient", "rescale": True}
                yield Cell("p_hat", p_hat, optimizer, seed, {**PLAIN, **selection})
            for epsilon in EPSILONS:
                yield Cell("epsilon", epsilon, optimizer, seed, {**ADVERSARY, "epsilon": epsilon})


def run(minutes: float) -> None:
    """Train and measure the cells that have no result, until the time is up."""
    deadline = time.process_time() + 60 * minutes
    entries: list[dict[str, Any]] = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    done = {Cell(**{name: one[name] for name in ("group", "setting", "optimizer", "seed")}).key for one in entries}
    for cell in cells():
        if cell.key in done:
            continue
        if time.process_time() > deadline:
            print("the time is up; run again to go on", flush=True)
            return
        entries.append({**asdict(cell), **measured(cell)})
        write_json(RESULTS, {"settings": _settings(), "runs": entries})
        print(cell.key, {k: v for k, v in entries[-1].items() if k not in asdict(cell)}, flush=True)


def measured(cell: Cell) -> dict[str, Any]:
    """Train one cell and measure where it ended."""
    started = time.perf_counter()
    data = DataSource(task="subj", max_train_examples=TRAIN, max_test_examples=TEST).load(cell.seed)
    subject = trained(cell, data)
    rows = data.train.select(range(MEASURED))
    with surface_of(subject, rows) as surface:
        landscape = {
            "train_loss": surface.loss(),
            "eigenvalue": largest_eigenvalues(surface, 1, tolerance=0.05, seed=cell.seed)[0],
            "trace": trace(surface, probes=6, seed=cell.seed)["mean"],
            "sharpness": sharpness(surface, [SAM_RHO])["increase"][0],
        }
    probabilities, labels = subject.probabilities(data.test)
    return {
        **landscape,
        "input_gradient": mean_and_error(input_gradient_norms(subject, data.test))["mean"],
        "test_accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "seconds": time.perf_counter() - started,
    }


def trained(cell: Cell, data: TaskData) -> EvaluatedModel:
    """The classifier of one cell after its training, in a loop of our own: constant batches, linear decay."""
    path = str(Path(os.environ["UEGR_MODELS"]) / "bert-tiny")
    tokenizer = load_tokenizer(path)
    model = load_classifier(path, data.label_names, cell.seed).train()
    encoded = encode(data.train, tokenizer, data.text_columns, 128)
    steps = EPOCHS * -(-len(encoded) // BATCH)
    method = create_method("uegr", seed=cell.seed, total_steps=steps, **cell.options)
    make = torch.optim.SGD if cell.optimizer == "sgd" else torch.optim.AdamW
    own = make(model.parameters(), lr=LEARNING_RATE[cell.optimizer], weight_decay=0.0)
    optimizer = method.wrap_optimizer(own, model)
    schedule = torch.optim.lr_scheduler.LambdaLR(own, lambda step: 1.0 - step / steps)
    sampler = LengthGroupedSampler(lengths_of(encoded), BATCH, cell.seed)
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        order = list(sampler)
        for at in range(0, len(order), BATCH):
            batch = tokenizer.pad([encoded[i] for i in order[at : at + BATCH]], return_tensors="pt")
            method.loss(model, batch).backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return EvaluatedModel(model, tokenizer, data.text_columns)


def table(entries: list[dict[str, Any]], group: str, optimizer: str) -> str:
    """Mean and standard deviation over the seeds, as Markdown. The first row is what the others are held against:
    p_hat = 1, which is also the run without an adversary. A star: the mean difference to it over the seeds that both
    have is larger than its standard error times the 97.5 % quantile of t."""
    runs: dict[float, dict[int, dict[str, Any]]] = {}
    for one in entries:
        baseline = one["group"] == "p_hat" and one["setting"] == 1.0
        if one["optimizer"] == optimizer and (one["group"] == group or baseline):
            setting = 0.0 if group == "epsilon" and baseline else one["setting"]
            runs.setdefault(setting, {})[one["seed"]] = one
    lines = [f"| {group} | seeds | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    settings = sorted(runs, reverse=group == "p_hat")
    for setting in settings:
        values = [_cell(runs[setting], runs[settings[0]], key) for key in COLUMNS]
        lines.append(f"| {setting:g} | {len(runs[setting])} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def _cell(runs: dict[int, dict[str, Any]], first: dict[int, dict[str, Any]], key: str) -> str:
    values = [one[key] for one in runs.values()]
    spread = f" ± {statistics.stdev(values):.2g}" if len(values) > 1 else ""
    differences = [runs[seed][key] - first[seed][key] for seed in runs if seed in first]
    star = ""
    if len(differences) > 2:  # of two seeds no interval is worth its name
        error = statistics.stdev(differences) / len(differences) ** 0.5
        star = " *" if abs(statistics.mean(differences)) > t.ppf(0.975, len(differences) - 1) * error else ""
    return f"{statistics.mean(values):.3g}{spread}{star}"


def write_tables() -> None:
    """Put the tables between their marks in the document."""
    entries = json.loads(RESULTS.read_text())["runs"]
    text = DOCUMENT.read_text()
    for group in ("epsilon", "p_hat"):
        for optimizer in LEARNING_RATE:
            begin, end = (f"<!-- {group} {optimizer}: {what} -->" for what in ("begin", "end"))
            before, after = text[: text.index(begin) + len(begin)], text[text.index(end) :]
            text = f"{before}\n{table(entries, group, optimizer)}\n{after}"
    write_text(DOCUMENT, text)


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


def main() -> None:
    """Entry point."""
    command, *rest = sys.argv[1:] or ["table"]
    silence_libraries()
    torch.set_num_threads(1)
    if command == "run":
        run(float(rest[0]) if rest else 25.0)
    else:
        write_tables()


if __name__ == "__main__":
    main()
