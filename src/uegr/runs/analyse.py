"""Analyse a finished run, part by part, and merge what comes out into its results.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from uegr.data.named_tasks import load_task
from uegr.errors import UsageError, unknown
from uegr.evaluation.calibration import measure_calibration
from uegr.evaluation.forward_clock import Clock
from uegr.evaluation.landscape.curvature import largest_eigenvalues, sharpness, trace
from uegr.evaluation.landscape.input_gradients import input_gradient_norms, mean_and_error
from uegr.evaluation.landscape.loss_surface import surface_of
from uegr.evaluation.landscape.slices import slice_1d, slice_2d
from uegr.evaluation.layer_saliency import measure_saliency
from uegr.evaluation.ood import ood_auroc
from uegr.evaluation.risk_coverage import selective
from uegr.evaluation.similarity import measure_similarity
from uegr.modeling.metrics import accuracy
from uegr.modeling.model_loading import SCRATCH, load_classifier
from uegr.runs.finished_run import FinishedRun, open_run

RHOS = (0.01, 0.02, 0.05, 0.1)
LINE, PLANE = np.linspace(-1.0, 1.0, 21).tolist(), np.linspace(-1.0, 1.0, 9).tolist()


@dataclass(frozen=True)
class Question:
    """What a part is computed from.

    Args:
        run: the run.
        rows: the whole split.
        sample: some of its rows, for parts that cost many passes.
        others: names of tasks whose texts count as foreign.
    """

    run: FinishedRun
    rows: Dataset
    sample: Dataset
    others: tuple[str, ...]


def analyse(
    folder: Path,
    parts: Sequence[str] | None = None,
    *,
    examples: int = 100,
    split: str = "test",
    others: Sequence[str] = (),
    on_part: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> dict[str, Any]:
    """Compute parts of the analysis of a classifier.

    Args:
        folder: a finished and measured run.
        parts: keys of `PARTS`; None computes all that can be: "ood" where others are named, "similarity" where
            there is a pretrained model.
        examples: so many for the parts that cost many passes (similarity, landscape, saliency); the others take the
            whole split.
        split: "test" or "validation".
        others: tasks for "ood".
        on_part: told how many parts are done, of how many.

    Returns:
        The run's entry of results.json, with the new parts in it.

    Raises:
        UsageError: an unknown part, one that cannot be computed, or a run that was not measured or is no classifier.
    """
    for name in parts or ():
        if name not in PARTS:
            raise unknown("part", name, PARTS)
    run = open_run(folder)
    run.results()
    if run.data.kind != "classification":
        raise UsageError(f"the analysis is made for classifiers, and '{folder}' is one of {run.data.kind}.")
    left_out = {"ood": not others, "similarity": run.run["config"]["model"] in SCRATCH}
    names = [one for one in PARTS if not left_out.get(one)] if parts is None else list(dict.fromkeys(parts))
    question = Question(run, run.rows(split), run.rows(split, examples), tuple(others))
    found: dict[str, Any] = {}
    for done, name in enumerate(names):
        on_part("analysing", done, len(names))
        compute, whole = PARTS[name]
        with Clock(run.subject, question.rows if whole else question.sample).measure() as cost:
            part = compute(question)
        found[name] = {**part, "split": split, "cost": cost}
    on_part("analysing", len(names), len(names))
    return run.update_results(lambda entry: {**entry, "analysis": {**entry.get("analysis", {}), **found}})


def _calibration(question: Question) -> dict[str, Any]:
    return measure_calibration(*question.run.subject.probabilities(question.rows))


def _selective(question: Question) -> dict[str, Any]:
    return selective(*question.run.subject.probabilities(question.rows))


def _ood(question: Question) -> dict[str, Any]:
    if not question.others:
        raise UsageError("name tasks whose texts are foreign to this model: --ood subj,trec.")
    subject = question.run.subject
    columns = subject.text_columns
    tasks = [load_task(name) for name in question.others]
    for task in tasks:
        if len(task.text_columns) != len(columns):
            raise UsageError(
                f"task '{task.name}' has {len(task.text_columns)} texts an example and this model reads "
                f"{len(columns)}: name tasks of the same shape with --ood."
            )

    def logits(rows: Dataset, names: Sequence[str]) -> Any:
        return subject.logits_of(list(zip(*(rows[name] for name in names), strict=True)))

    own = logits(question.rows, columns)
    results = []
    for task in tasks:
        foreign = task.test.select(range(min(len(task.test), len(question.rows))))
        area = ood_auroc(own, logits(foreign, task.text_columns))
        results.append({"task": task.name, "examples": len(foreign), "auroc": area})
    return {"examples": len(question.rows), "tasks": results}


def _similarity(question: Question) -> dict[str, Any]:
    config = question.run.run["config"]
    if config["model"] in SCRATCH:
        raise UsageError(
            f"a {config['model']} is trained from nothing: there is no pretrained model to compare it with."
        )
    pretrained = load_classifier(config["model"], question.run.data.label_names, config["seed"])
    pretrained.to(question.run.subject.device).requires_grad_(False)  # type: ignore[arg-type]
    return {"reference": config["model"], **measure_similarity(question.run.subject, pretrained, question.sample)}


def _landscape(question: Question) -> dict[str, Any]:
    subject, rows = question.run.subject, question.sample

    def right() -> float:
        return accuracy(*subject.probabilities(rows))

    gradients = input_gradient_norms(subject, rows)
    with surface_of(subject, rows) as surface:
        return {
            "examples": len(rows),
            "loss": surface.loss(),
            "eigenvalues": largest_eigenvalues(surface, 3),
            "trace": trace(surface),
            "sharpness": sharpness(surface, RHOS),
            "input_gradient": mean_and_error(gradients),
            "slice_1d": slice_1d(surface, LINE, right),
            "slice_2d": slice_2d(surface, PLANE, PLANE),
        }


def _saliency(question: Question) -> dict[str, Any]:
    return measure_saliency(question.run.subject, question.sample)


PARTS: dict[str, tuple[Callable[[Question], dict[str, Any]], bool]] = {
    "calibration": (_calibration, True),
    "selective": (_selective, True),
    "ood": (_ood, True),
    "similarity": (_similarity, False),
    "saliency": (_saliency, False),
    "landscape": (_landscape, False),
}
"""What can be computed, and whether from the whole split."""
