"""Invented runs with every part of a results.json and a training log, for the tests of tables and figures."""

from __future__ import annotations

import copy
from typing import Any

from uegr.runs.run_result import RunResult

RUN: dict[str, Any] = {
    "method": "uegr",
    "task": "rotten_tomatoes",
    "model": "all-MiniLM-L6-v2",
    "seed": 0,
    "train_examples": 2000,
    "metrics": {"accuracy": 0.8, "nll": 0.5, "ece": 0.05, "typo_accuracy": 0.75},
    "robustness": {
        "attack": "pgd",
        "norm": "l2",
        "relative": True,
        "examples": 300,
        "epsilons": [0.0, 0.02, 0.04],
        "accuracy": [0.8, 0.6, 0.4],
    },
    "cost": {"seconds": 10.0, "flop_ratio": 2.3, "time_ratio": 2.5},
}
LAYERS = ["embeddings", "layer.0", "layer.1"]
TEXT_ATTACKS = [
    {"attack": "deepwordbug", "examples": 200, "clean_accuracy": 0.8, "accuracy": 0.45, "queries": 31.5},
    {"attack": "synonyms", "examples": 200, "clean_accuracy": 0.8, "accuracy": 0.3, "queries": 44.0},
]
EMBEDDING_ATTACKS = [
    {**RUN["robustness"], "attack": "auto-pgd", "accuracy": [0.8, 0.55, 0.3], "queries": 61.0},
]
ANALYSIS: dict[str, Any] = {
    "calibration": {
        "ece": 0.05,
        "nll": 0.5,
        "brier": 0.3,
        "accuracy": 0.8,
        "examples": 300,
        "bins": [
            {"low": 0.0, "high": 0.5, "count": 0, "confidence": None, "accuracy": None},
            {"low": 0.5, "high": 0.75, "count": 120, "confidence": 0.62, "accuracy": 0.66},
            {"low": 0.75, "high": 1.0, "count": 180, "confidence": 0.9, "accuracy": 0.89},
        ],
        "cost": {"seconds": 3.0, "examples": 300, "forward_passes": 1.0},
    },
    "selective": {"coverage": [0.25, 0.5, 1.0], "risk": [0.05, 0.1, 0.2], "aurc": 0.11, "aurc_oracle": 0.02},
    "ood": {"tasks": [{"task": "trec", "examples": 100, "auroc": {"max_softmax": 0.7, "energy": 0.75}}]},
    "similarity": {
        "reference": "all-MiniLM-L6-v2",
        "layers": LAYERS,
        "cka": [0.99, 0.9, 0.7],
        "cosine": [0.99, 0.85, 0.5],
        "drift": [0.01, 0.03, None],
        "tokens": 900,
        "examples": 50,
    },
    "landscape": {
        "examples": 50,
        "loss": 0.4,
        "eigenvalues": [12.0, 5.0],
        "trace": {"mean": 80.0, "standard_error": 4.0, "probes": 5},
        "sharpness": {"rho": [0.01, 0.1], "increase": [0.02, 0.4]},
        "input_gradient": {"mean": 0.3, "standard_error": 0.02},
        "slice_1d": {"alphas": [-1.0, 0.0, 1.0], "loss": [2.0, 0.4, 1.5], "accuracy": [0.5, 0.8, 0.6]},
        "slice_2d": {"alphas": [-1.0, 0.0, 1.0], "betas": [-1.0, 1.0], "loss": [[2.0, 1.0], [0.4, 0.6], [1.5, 1.2]]},
    },
    "saliency": {
        "parameters": [
            {"name": f"{layer}.{part}.weight", "layer": layer, "elements": 4 * number, "saliency": 1e-6 * number**2}
            for layer in LAYERS
            for number, part in enumerate(("query", "dense"), start=1)
        ],
        "examples": 100,
    },
    "gradient_masking": {"epsilons": [0.0], "white_box": [0.8], "flag": True, "reasons": ["Random search beats PGD."]},
}


COST: dict[str, Any] = {
    **RUN["cost"],
    "step_seconds": 0.3,
    "tokens_per_second": 2500.0,
    "peak_memory": 900 * 2**20,
    "parts": {"attack": 0.2, "passes": 0.3, "forward": 0.05, "backward": 0.3, "optimizer": 0.1, "data": 0.05},
}


def log(steps: int = 6) -> list[dict[str, Any]]:
    """A training log with entries of the selection at every second step."""
    entries: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        loss = 1.0 / step
        entry: dict[str, Any] = {"step": step, "loss": 2 * loss, "pass_loss": loss, "clean_loss": 0.9 * loss}
        entry |= {"divergence": 0.02, "divergence_pass_1": 0.03, "divergence_clean": 0.01}
        if step % 2:
            entry |= {"update_share": 0.5, "mask_churn": 0.4}
            entry |= {f"saliency/bert.encoder.{name}": 1e-6 * (i + 1) / step for i, name in enumerate(LAYERS)}
        entries.append(entry)
    return [*entries, {"step": steps, "train_runtime": 10.0, "train_loss": 0.4}]


def full_entry(method: str = "uegr", **changes: Any) -> dict[str, Any]:
    """An entry of results.json with everything that can be drawn."""
    run = copy.deepcopy(RUN) | {"method": method, "test_examples": 1000, "cost": copy.deepcopy(COST)}
    parts = {"text_attacks": TEXT_ATTACKS, "embedding_attacks": EMBEDDING_ATTACKS, "analysis": ANALYSIS}
    return run | copy.deepcopy(parts) | changes


def full(method: str = "uegr", **changes: Any) -> RunResult:
    """A run with everything that can be drawn, its training log included."""
    return RunResult.from_dict({**full_entry(method), "log": log(), **changes})


def sample(**changes: Any) -> RunResult:
    """A run without further attacks, analysis and log."""
    return RunResult.from_dict({**copy.deepcopy(RUN), **changes})


def samples(**changes: Any) -> list[RunResult]:
    """A plain run and a UEGR run, the latter with these changes."""
    return [sample(method="plain"), sample(**changes)]
