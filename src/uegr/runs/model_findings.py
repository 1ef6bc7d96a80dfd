"""What run.json says of the model at the start of a training, beside the findings in the data."""

from datasets import Dataset
from transformers import PreTrainedModel

from uegr.data.data_report import Finding
from uegr.data.encoding import words_without_token
from uegr.data.task_data import TaskData
from uegr.modeling.model_folder import new_weights_of
from uegr.modeling.scratch.scratch_models import SCRATCH
from uegr.training.run_config import RunConfig


def findings_about(
    model: PreTrainedModel, config: RunConfig, data: TaskData, encoded: Dataset, max_length: int
) -> list[Finding]:
    """Say where the model reads fewer tokens than asked for or no token of a word, and which of its weights are new.

    Args:
        model: before its training.
        config: of the run.
        data: of the task.
        encoded: the training rows as tokens.
        max_length: the number of tokens that the model reads of a text.
    """
    findings = []
    if max_length < config.max_length:
        findings.append(
            Finding("max_length", max_length, f"tokens is all that the model can read, and not {config.max_length}")
        )
    lost = words_without_token(data.train, encoded, max_length) if data.kind == "token" else 0
    if lost:
        message = "words with a label have no token of their own: the model neither learns nor predicts their labels"
        findings.append(Finding("no_token", lost, message))
    new_weights = [] if config.model in SCRATCH else new_weights_of(model)
    if new_weights:
        shown = ", ".join(new_weights[:4]) + (", ..." if len(new_weights) > 4 else "")
        drawn = "drawn from the seed" + (" and scaled to the labels" if data.kind == "regression" else "")
        findings.append(Finding("new_weights", len(new_weights), f"weights are new, {drawn}: {shown}"))
    return findings
