"""What run.json says of the model at the start of a training, beside the findings in the data."""

from transformers import PreTrainedModel

from uegr.data.data_report import Finding
from uegr.data.kind import Kind
from uegr.modeling.model_folder import new_weights_of
from uegr.modeling.scratch.scratch_models import SCRATCH
from uegr.training.run_config import RunConfig


def findings_about(model: PreTrainedModel, config: RunConfig, kind: Kind, max_length: int) -> list[Finding]:
    """Say where the model reads fewer tokens than asked for, and which of its weights are new.

    Args:
        model: before its training.
        config: of the run.
        kind: of the task.
        max_length: the number of tokens that the model reads of a text.
    """
    findings = []
    if max_length < config.max_length:
        findings.append(
            Finding("max_length", max_length, f"tokens is all that the model can read, and not {config.max_length}")
        )
    new_weights = [] if config.model in SCRATCH else new_weights_of(model)
    if new_weights:
        shown = ", ".join(new_weights[:4]) + (", ..." if len(new_weights) > 4 else "")
        drawn = "drawn from the seed" + (" and scaled to the labels" if kind == "regression" else "")
        findings.append(Finding("new_weights", len(new_weights), f"weights are new, {drawn}: {shown}"))
    return findings
