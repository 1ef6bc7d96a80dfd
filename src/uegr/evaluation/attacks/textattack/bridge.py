"""Hand a model and its examples to TextAttack's environment, and read the outcomes back."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from datasets import Dataset

from uegr.data.splits import LABEL
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.evaluation.attacks.textattack import runner
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.perturb.words import FUNCTION_WORDS

PREFIX = "textattack:"
"""Starts the names of these attacks: "textattack:DeepWordBugGao2018"."""
PYTHON = "UEGR_TEXTATTACK_PYTHON"
"""The environment variable with the Python that TextAttack is installed for."""
QUERY_BUDGET = 500
"""Largest number of texts per example that a recipe may classify."""


def attack_with_recipe(evaluated: EvaluatedModel, folder: Path, rows: Dataset, recipe: str) -> list[AttackOutcome]:
    """Attack every row with a recipe of TextAttack.

    Args:
        evaluated: the model, which shows what is correctly classified before the attack.
        folder: where it is stored, in Hugging Face's format.
        rows: text and "label".
        recipe: a class of `textattack.attack_recipes`. DeepWordBugGao2018 and Pruthi2019 need no download.
    """
    examples = evaluated.texts(rows)
    labels = [int(label) for label in rows[LABEL]]
    before = evaluated.probabilities_of(examples).argmax(axis=1)
    job = {
        "model": str(folder.resolve()),
        "recipe": recipe,
        "examples": [[list(texts), label] for texts, label in zip(examples, labels, strict=True)],
        "stop_words": sorted(FUNCTION_WORDS),
        "query_budget": QUERY_BUDGET,
        "max_length": evaluated.max_length,
    }
    results: list[dict[str, Any]] = in_textattack(Path(runner.__file__), job)
    outcomes = []
    for texts, label, predicted, result in zip(examples, labels, before, results, strict=True):
        correct = int(predicted) == label
        after = tuple(result["after"]) if correct and result["after"] else None
        predicted_after = int(result["predicted"]) if after else int(predicted)
        outcomes.append(AttackOutcome(texts, label, correct, after, predicted_after, max(1, int(result["queries"]))))
    return outcomes


def textattack_python() -> str:
    """The Python of TextAttack's environment.

    Raises:
        UsageError: $UEGR_TEXTATTACK_PYTHON does not name it.
    """
    python = os.environ.get(PYTHON)
    if not python or not Path(python).exists():
        raise UsageError(
            "TextAttack needs a separate environment: python -m venv textattack-env, then textattack-env/bin/pip "
            f"install textattack==0.3.11 transformers==4.57.1, and set {PYTHON}=textattack-env/bin/python."
        )
    return python


def in_textattack(script: Path, job: dict[str, Any]) -> Any:
    """The result of a script in TextAttack's environment: `python SCRIPT JOB.json RESULT.json`."""
    python = textattack_python()
    with tempfile.TemporaryDirectory() as folder:
        job_file, result_file = Path(folder) / "job.json", Path(folder) / "result.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        # The other Python must not find this environment's packages.
        clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [python, str(script), str(job_file), str(result_file)]
        done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)  # noqa: S603  # the user's own
        if done.returncode or not result_file.exists():
            lines = [line for line in done.stderr.splitlines() if line.strip() and "%|" not in line]  # no progress bars
            last = lines[-1] if lines else "it wrote nothing"
            raise UsageError(
                f"TextAttack's recipe {job['recipe']} failed in {python} ({last}): correct that, or leave it out."
            )
        return json.loads(result_file.read_text(encoding="utf-8"))
