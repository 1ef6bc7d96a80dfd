"""Does UEGR's selective update pay anywhere? Plain fine-tuning with and without it, in seven situations.

    python -m experiments.selective_study [MINUTES]    train and measure what has no result yet, for this much CPU time

Every situation is trained with plain fine-tuning, with three forms of the selective update, and with other methods that
hold a model near its pretrained weights; the forward stage is plain. The results are in results/selective.json;
`make results` writes the tables of docs/selective_update.md.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from experiments.selective_tables import FILE, HALF_RATE, PLAIN
from experiments.short_training import accuracy, train_briefly
from experiments.study_runs import run_cells
from experiments.theory_study import landscape
from uegr.data.data_source import DataSource
from uegr.data.encoding import encode
from uegr.data.splits import LABEL
from uegr.data.task_data import TaskData
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.similarity import measure_similarity
from uegr.libraries import silence_libraries
from uegr.methods.method_lookup import make_config
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.lora import merged, with_lora
from uegr.modeling.model_loading import load_classifier, load_tokenizer

SEEDS = range(5)
BATCH, MAX_LENGTH, TEST, MEASURED = 32, 48, 500, 64
LEARNING_RATE, LORA_LEARNING_RATE, LORA_RANK = 3e-4, 3e-3, 8
PLAIN_FORWARD = {"epsilon": 0.0, "passes": 1, "js_weight": 0.0, "clean_weight": 0.0, "dropout": (0.1,)}
"""UEGR's options with which its loss is that of plain fine-tuning; 0.1 is the model's own dropout rate."""
BACKWARD: dict[str, tuple[str, dict[str, Any]]] = {
    PLAIN: ("plain", {}),
    HALF_RATE: ("plain", {}),
    "selective, update (as shipped)": ("uegr", PLAIN_FORWARD),
    "selective, frozen": ("uegr", {**PLAIN_FORWARD, "mask_mode": "frozen"}),
    "selective, gradient": ("uegr", {**PLAIN_FORWARD, "mask_mode": "gradient"}),
    "top share 0.3, frozen": (
        "uegr",
        {**PLAIN_FORWARD, "mask_mode": "frozen", "probability": "top_share", "share": 0.3},
    ),
    "child-tuning-d": ("child-tuning-d", {}),
    "mixout": ("mixout", {}),
    "l2-sp": ("l2-sp", {}),
    "rose-second": ("rose-second", {}),
}
"""Row of the tables -> method and options: one forward pass, different updates."""
WHOLE_METHOD: dict[str, tuple[str, dict[str, Any]]] = {
    PLAIN: ("plain", {}),
    "uegr (as shipped)": ("uegr", {}),
    "uegr, every weight": ("uegr", {"p_min": 1.0}),
}
METHODS = {**BACKWARD, **WHOLE_METHOD}


@dataclass(frozen=True)
class Situation:
    """What is trained, and what is measured beside the accuracy.

    Args:
        task: of the training and the test sentences.
        examples, epochs: of the training.
        wrong_labels: share of the training labels that another class replaces.
        lora: train adapters and the head only.
        first_task: the task that the model has learned before this one.
        other_tasks: further tasks with the same classes, to test on.
        landscape: whether the curvature is measured too.
    """

    task: str
    examples: int
    epochs: int
    wrong_labels: float = 0.0
    lora: bool = False
    first_task: str | None = None
    other_tasks: tuple[str, ...] = ()
    landscape: bool = False


SITUATIONS = {
    "300 sentences": Situation("trec", 300, 3),
    "continual": Situation("trec", 300, 3, first_task="rotten_tomatoes"),
    "40 % wrong": Situation("trec", 160, 6, wrong_labels=0.4),
    "landscape": Situation("trec", 300, 3, landscape=True),
    "LoRA": Situation("trec", 300, 3, lora=True),
    "100 sentences": Situation("trec", 100, 8),
    "20 % wrong": Situation("trec", 160, 6, wrong_labels=0.2),
    "other data": Situation("rotten_tomatoes", 300, 3, other_tasks=("cr", "imdb")),
}
FIRST_TASK_TRAINING = Situation("rotten_tomatoes", 500, 3)


@dataclass(frozen=True)
class Cell:
    """One training: a situation, a row of the tables, a seed."""

    situation: str
    method: str
    seed: int


def cells() -> Iterator[Cell]:
    """All trainings, seed by seed, so that an unfinished study is balanced."""
    for seed in SEEDS:
        for name, situation in SITUATIONS.items():
            for method in WHOLE_METHOD if situation.landscape else BACKWARD:
                yield Cell(name, method, seed)


def measured(cell: Cell) -> dict[str, float]:
    """Train one cell and measure the result."""
    situation = SITUATIONS[cell.situation]
    data = with_wrong_labels(limited(situation, cell.seed), situation.wrong_labels, cell.seed)
    first = None if situation.first_task is None else first_model(situation.first_task, cell.seed)
    start = load_classifier(EMBEDDED_MODEL, data.label_names, cell.seed)
    if first is not None:
        start.base_model.load_state_dict(first.base_model.state_dict())
    evaluated_model = trained(copy.deepcopy(start), data, situation, cell)
    similarity = measure_similarity(evaluated_model, start, data.test.select(range(MEASURED)))
    measures = {
        "accuracy": accuracy(evaluated_model, data.test),
        "weight_distance": similarity["drift_total"],
        "cka": similarity["cka"][-1],
    }
    for name in situation.other_tasks:
        measures[f"accuracy_{name}"] = accuracy(evaluated_model, test_rows(name))
    if first is not None and situation.first_task is not None:
        rows = test_rows(situation.first_task)
        before = accuracy(evaluated(first), rows)
        with_head = copy.deepcopy(first)
        with_head.base_model.load_state_dict(evaluated_model.model.base_model.state_dict())
        measures |= {"before": before, "lost": before - accuracy(evaluated(with_head), rows)}
    if situation.landscape:
        measures |= landscape(evaluated_model, data.train.select(range(MEASURED)), data.test, cell.seed)
    return measures


def trained(model: PreTrainedModel, data: TaskData, situation: Situation, cell: Cell) -> EvaluatedModel:
    """The model after the training of a cell; LoRA's adapters are merged.

    The token embeddings stay as they are: they are half of the weights, and 300 sentences use few of their rows. The
    others never get a gradient, and would fill the lower half of the selection's ranks.
    """
    input_embeddings(model).requires_grad_(False)
    wrapped: Any = with_lora(model, data.kind, LORA_RANK, 16, 0.0) if situation.lora else model
    rate = LORA_LEARNING_RATE if situation.lora else LEARNING_RATE
    rate *= 0.5 if cell.method == HALF_RATE else 1.0
    weights = [parameter for parameter in wrapped.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.01)
    encoded = encode(data.train, tokenizer(), data.text_columns, MAX_LENGTH)
    config, epochs = make_config(*METHODS[cell.method]), situation.epochs
    wrapped.train()
    train_briefly(wrapped, encoded, tokenizer(), config, optimizer, epochs=epochs, batch_size=BATCH, seed=cell.seed)
    return evaluated(merged(wrapped))


def evaluated(model: PreTrainedModel) -> EvaluatedModel:
    """The model with its tokenizer, for the tasks of this study, which all have one column of text."""
    return EvaluatedModel(model, tokenizer(), ("sentence",), max_length=MAX_LENGTH)


@cache
def first_model(task: str, seed: int) -> PreTrainedModel:
    """A model that plain fine-tuning has taught a first task; one per seed, for all methods."""
    situation = replace(FIRST_TASK_TRAINING, task=task)
    data = limited(situation, seed)
    model = load_classifier(EMBEDDED_MODEL, data.label_names, seed)
    first: PreTrainedModel = trained(model, data, situation, Cell("first task", PLAIN, seed)).model
    return first


def limited(situation: Situation, seed: int) -> TaskData:
    """The task of a situation with its number of training sentences, drawn with the seed."""
    return loaded(situation.task).limited(train=situation.examples, test=TEST, seed=seed)


def test_rows(task: str) -> Dataset:
    """The test sentences of a task, the same for all seeds."""
    return loaded(task).limited(test=TEST).test


@cache
def loaded(task: str) -> TaskData:
    """A named task, read once."""
    return DataSource(task=task).load(0)


@cache
def tokenizer() -> PreTrainedTokenizerBase:
    """The tokenizer of the model."""
    return load_tokenizer(EMBEDDED_MODEL)


def with_wrong_labels(data: TaskData, share: float, seed: int) -> TaskData:
    """The data with a share of its training labels replaced by another class, both drawn with the seed."""
    generator = np.random.default_rng(seed)
    labels = np.array(data.train[LABEL])
    wrong = generator.permutation(len(labels))[: round(share * len(labels))]
    classes = len(data.label_names)
    labels[wrong] = (labels[wrong] + generator.integers(1, classes, len(wrong))) % classes
    rows = data.train.remove_columns(LABEL).add_column(LABEL, labels.tolist())
    return replace(data, train=rows)


def settings() -> dict[str, Any]:
    """What all cells share."""
    return {
        "model": EMBEDDED_MODEL,
        "batch_size": BATCH,
        "max_length": MAX_LENGTH,
        "test_examples": TEST,
        "measured_examples": MEASURED,
        "learning_rate": LEARNING_RATE,
        "lora_learning_rate": LORA_LEARNING_RATE,
        "lora_rank": LORA_RANK,
        "token_embeddings": "fixed",
        "schedule": "linear decay",
        "situations": {name: asdict(situation) for name, situation in SITUATIONS.items()},
        "first_task_training": asdict(FIRST_TASK_TRAINING),
    }


if __name__ == "__main__":
    silence_libraries()
    torch.set_num_threads(1)
    run_cells(cells(), measured, FILE, settings(), minutes=float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
