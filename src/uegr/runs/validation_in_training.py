"""The validation data in training: for `--eval_strategy`, early stopping and the best checkpoint."""

from typing import Any

import torch
from transformers import EvalPrediction, TrainingArguments

from uegr.data.encoding import encode
from uegr.evaluation.output_scores import class_scores
from uegr.modeling.metrics import METRICS
from uegr.modeling.task_kinds.detection import KINDS
from uegr.modeling.task_kinds.tokens import Tokens
from uegr.modeling.tokenizer_match import end_token_of_head
from uegr.runs.training_inputs import PreparedTraining


def trainer_validation(prepared: PreparedTraining, arguments: TrainingArguments) -> dict[str, Any]:
    """Return the Trainer's arguments to evaluate loss and metrics on the validation data, if `arguments` ask for it.

    Sets the direction of the best checkpoint's metric in `arguments`.
    """
    if arguments.eval_strategy == "no":
        return {}
    data, tokenizer = prepared.data, prepared.tokenizer
    end_token = end_token_of_head(prepared.model, tokenizer)
    rows = encode(data.validation, tokenizer, data.text_columns, prepared.max_length, data.kind, end_token)
    if issubclass(KINDS[data.kind], Tokens):  # logits of every token would fill the memory: the loss only
        arguments.prediction_loss_only = True
        if arguments.metric_for_best_model == "metric":
            arguments.metric_for_best_model, arguments.greater_is_better = "loss", False
        return {"eval_dataset": rows}
    if arguments.metric_for_best_model == "metric":
        arguments.greater_is_better = not METRICS[data.metrics[0]].lower_is_better

    def metrics(prediction: EvalPrediction) -> dict[str, float]:
        logits = prediction.predictions[0] if isinstance(prediction.predictions, tuple) else prediction.predictions
        labels: Any = prediction.label_ids
        outputs = KINDS[data.kind].from_batch(torch.tensor(labels)).outputs(torch.tensor(logits)).double().numpy()
        if data.kind == "classification":
            scores = class_scores(data.metrics, outputs, labels, data.validation[data.text_columns[0]])
        else:
            scores = KINDS[data.kind].metrics(outputs, labels)
        return {**scores, "metric": scores[data.metrics[0]]}

    return {"eval_dataset": rows, "compute_metrics": metrics}
