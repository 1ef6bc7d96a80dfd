"""AdvGLUE (Wang et al. 2021): adversarial versions of GLUE's sentences, checked by people. For evaluation only.

With 78 to 162 examples per task, an accuracy has a standard error of 4 to 6 points.
"""

from dataclasses import replace

from uegr.data.benchmarks.glue import GLUE
from uegr.data.task import Hub, Task

ROWS = {"sst2": 148, "qqp": 78, "mnli": 121, "mnli_mm": 162, "qnli": 148, "rte": 81}
HUB = {task: f"adv_{task}" for task in ROWS} | {"mnli_mm": "adv_mnli_mismatched"}
STAND_IN = {"qqp": "mrpc", "mnli": "sick", "mnli_mm": "sick", "qnli": "wikiqa"}
"""The task to train on where GLUE's own training split is not available."""


def _advglue_task(task: str) -> Task:
    """Return the task of GLUE with AdvGLUE's public development set as the test set."""
    return replace(
        GLUE[task],
        # The score of a task is the mean of these, see `uegr.evaluation.benchmark_scores`.
        metrics=("accuracy", "f1") if task == "qqp" else ("accuracy",),
        splits={"test": "validation"},
        rows={"validation": ROWS[task]},
        local_rows=None,
        hub=Hub(path="AI-Secure/adv_glue", configuration=HUB[task]),
        source="github AI-secure/adversarial-glue",
        cite="Wang et al. 2021, NeurIPS D&B",
        licence="CC BY-SA 4.0",
        stand_in=STAND_IN.get(task, task),
        note=f"{ROWS[task]} examples: a standard error of about {round(50 / ROWS[task] ** 0.5)} points",
    )


ADVGLUE: dict[str, Task] = {f"advglue_{task}": _advglue_task(task) for task in ROWS}
