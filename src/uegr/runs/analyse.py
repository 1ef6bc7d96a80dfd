"""Analyse a finished run, part by part, and merge the parts into its results.json."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from uegr.data.file_digests import check_unchanged
from uegr.data.named_tasks import load_task
from uegr.data.splits import subset
from uegr.errors import UsageError, unknown
from uegr.evaluation.calibration import measure_calibration
from uegr.evaluation.evaluated_model import BATCH_SIZE
from uegr.evaluation.forward_clock import Clock
from uegr.evaluation.landscape.curvature import largest_eigenvalues, sharpness, trace
from uegr.evaluation.landscape.input_gradients import input_gradient_norms, mean_and_error
from uegr.evaluation.landscape.loss_surface import surface_of
from uegr.evaluation.landscape.slices import slice_1d, slice_2d
from uegr.evaluation.layer_saliency import measure_saliency
from uegr.evaluation.ood import ood_auroc
from uegr.evaluation.risk_coverage import measure_selective_prediction
from uegr.evaluation.similarity import HiddenStatesError, measure_similarity
from uegr.modeling.metrics import accuracy
from uegr.modeling.model_loading import load_classifier
from uegr.modeling.scratch.scratch_models import SCRATCH
from uegr.runs.finished_run import FinishedRun, open_measured_classifier
from uegr.runs.run_result import RunResult

logger = logging.getLogger("uegr")
RHOS = (0.01, 0.02, 0.05, 0.1)
LINE, PLANE = np.linspace(-1.0, 1.0, 21).tolist(), np.linspace(-1.0, 1.0, 9).tolist()
OnPart = Callable[[str, int, int], None]
"""Called with "analysing", the number of parts done, and the number of all parts."""


@dataclass(frozen=True)
class AnalysisInput:
    """The data that the parts of the analysis are computed from.

    Args:
        run: the run.
        rows: the whole split.
        sample: some of its rows, for parts that cost many passes.
        ood_tasks: names of tasks whose texts count as out of distribution.
        trust_remote_code: run the Python code of the pretrained model.
    """

    run: FinishedRun
    rows: Dataset
    sample: Dataset
    ood_tasks: tuple[str, ...]
    trust_remote_code: bool = False


def analyse_run(
    folder: Path,
    parts: Sequence[str] | None = None,
    *,
    examples: int = 100,
    split: str = "test",
    ood_tasks: Sequence[str] = (),
    batch_size: int = BATCH_SIZE,
    trust_remote_code: bool = False,
    on_part: OnPart = lambda stage, done, total: None,
) -> RunResult:
    """Compute parts of the analysis of a classifier.

    Args:
        folder: a finished and measured run.
        parts: keys of `PARTS`; None computes all that are possible: "ood" where tasks are named for it, "similarity"
            where there is a pretrained model and both return their hidden states.
        examples: number of examples for the parts that cost many passes (similarity, landscape, saliency), at least 2;
            the remaining parts use the whole split.
        split: "test" or "validation".
        ood_tasks: tasks for "ood".
        batch_size: number of texts that the model reads at once.
        trust_remote_code: run the Python code of the run's folder.
        on_part: called before each part, and at the end.

    Returns:
        The run's result with the new parts.

    Raises:
        UsageError: an unknown part, one that cannot be computed, fewer than two examples, or a run that was not
            measured or is not a classifier.
    """
    if examples < 2:
        raise UsageError(f"the similarity and the errors of means need at least 2 examples, not {examples}.")
    for name in parts or ():
        if name not in PARTS:
            raise unknown("part", name, PARTS)
    run = open_measured_classifier(folder, "the analysis", batch_size, trust_remote_code=trust_remote_code)
    impossible = {"ood": not ood_tasks, "similarity": run.record["config"]["model"] in SCRATCH}
    names = [name for name in PARTS if not impossible.get(name)] if parts is None else list(dict.fromkeys(parts))
    data = AnalysisInput(run, run.rows(split), run.rows(split, examples), tuple(ood_tasks), trust_remote_code)
    for done, name in enumerate(names):
        on_part("analysing", done, len(names))
        compute, needs_all_rows = PARTS[name]
        try:
            with Clock(run.evaluated_model, data.rows if needs_all_rows else data.sample).measure() as cost:
                part = {**compute(data), "split": split, "cost": cost}
        except HiddenStatesError as error:
            if parts is not None:
                raise
            logger.warning("%s: the part %s is left out", error.reason, name)
            continue
        _save(run, name, part)  # now: a later part may be impossible
    on_part("analysing", len(names), len(names))
    return run.result()


def _save(run: FinishedRun, name: str, part: dict[str, Any]) -> None:
    run.update(lambda result: replace(result, analysis={**result.analysis, name: part}))


def _calibration(data: AnalysisInput) -> dict[str, Any]:
    return measure_calibration(*data.run.evaluated_model.probabilities(data.rows))


def _selective(data: AnalysisInput) -> dict[str, Any]:
    return measure_selective_prediction(*data.run.evaluated_model.probabilities(data.rows))


def _ood(data: AnalysisInput) -> dict[str, Any]:
    if not data.ood_tasks:
        raise UsageError("name tasks whose texts are out of distribution for this model: --ood subj,trec.")
    model = data.run.evaluated_model
    tasks = [load_task(name) for name in data.ood_tasks]
    for task in tasks:
        if len(task.text_columns) != len(model.text_columns):
            raise UsageError(
                f"task '{task.name}' has {len(task.text_columns)} texts per example and this model reads "
                f"{len(model.text_columns)}: name tasks of the same shape with --ood."
            )
        if {*model.texts(data.run.data.test)} <= {*model.reading(task.text_columns).texts(task.test)}:
            raise UsageError(
                f"the texts of task '{task.name}' are the run's own test data: name another task with --ood."
            )

    own_logits = model.logits_of(model.texts(data.rows))
    results = []
    for task in tasks:
        ood_rows = subset(task.test, len(data.rows), 0)
        area = ood_auroc(own_logits, model.logits_of(model.reading(task.text_columns).texts(ood_rows)))
        results.append({"task": task.name, "examples": len(ood_rows), "auroc": area})
    return {"examples": len(data.rows), "tasks": results}


def _similarity(data: AnalysisInput) -> dict[str, Any]:
    config, model = data.run.record["config"], data.run.evaluated_model
    if config["model"] in SCRATCH:
        raise UsageError(
            f"'{config['model']}' is trained from scratch, so there is no pretrained model to compare it with: leave "
            "out --parts similarity."
        )
    fix = "restore it, or name the other parts with --parts"
    check_unchanged(data.run.record.get("model_folder", {}), fix)
    labels = data.run.data.label_names
    pretrained = load_classifier(config["model"], labels, config["seed"], trust_remote_code=data.trust_remote_code)
    pretrained.to(model.device).requires_grad_(False)  # type: ignore[arg-type]
    return {"reference": config["model"], **measure_similarity(model, pretrained, data.sample)}


def _landscape(data: AnalysisInput) -> dict[str, Any]:
    model, rows = data.run.evaluated_model, data.sample

    def accuracy_on_rows() -> float:
        return accuracy(*model.probabilities(rows))

    gradients = input_gradient_norms(model, rows)
    with surface_of(model, rows) as surface:
        return {
            "examples": len(rows),
            "loss": surface.loss(),
            "eigenvalues": largest_eigenvalues(surface, 3),
            "trace": trace(surface),
            "sharpness": sharpness(surface, RHOS),
            "input_gradient": mean_and_error(gradients),
            "slice_1d": slice_1d(surface, LINE, accuracy_on_rows),
            "slice_2d": slice_2d(surface, PLANE, PLANE),
        }


def _saliency(data: AnalysisInput) -> dict[str, Any]:
    return measure_saliency(data.run.evaluated_model, data.sample)


PARTS: dict[str, tuple[Callable[[AnalysisInput], dict[str, Any]], bool]] = {
    "calibration": (_calibration, True),
    "selective": (_selective, True),
    "ood": (_ood, True),
    "similarity": (_similarity, False),
    "saliency": (_saliency, False),
    "landscape": (_landscape, False),
}
"""Name of a part -> how it is computed, and whether from the whole split."""
