"""What a training starts from: a configuration's data as tokens, its model and its method."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from uegr.data.class_weighting import class_weights
from uegr.data.data_report import Finding
from uegr.data.encoding import encode
from uegr.data.overlap import Hashes
from uegr.data.task_data import TaskData
from uegr.data.task_registry import without_training_split
from uegr.errors import UsageError
from uegr.methods.method_config import MethodConfig
from uegr.methods.method_lookup import make_config
from uegr.modeling.lora import with_lora
from uegr.modeling.model_loading import folder_of_model, load_model, load_tokenizer
from uegr.modeling.regression_head import start_at_labels
from uegr.modeling.tokenizer_match import end_token_of_head, tokens_to_read
from uegr.perturb.text_normalizer import with_normalizer
from uegr.runs.hardening_texts import read_hardening_texts
from uegr.runs.model_findings import findings_about
from uegr.runs.trained_edits import earlier_training
from uegr.training.run_config import RunConfig


@dataclass(frozen=True)
class PreparedTraining:
    """What a run trains with.

    Args:
        encoded: the training rows as tokens.
        record: what run.json says of the data, the findings and the training before this one.
        hardening_texts: hashes of the texts that the model was hardened on; None if it was not.
    """

    config: RunConfig
    data: TaskData
    encoded: Dataset
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    method_config: MethodConfig
    weights: Sequence[float] | None
    record: dict[str, Any]
    hardening_texts: Hashes | None


def prepared_training(config: RunConfig, data: TaskData | None) -> PreparedTraining:
    """Load what a configuration names; no file is written.

    Args:
        config: what to train.
        data: use these examples instead of those of config.data.

    Raises:
        UsageError: something in the configuration or the data cannot work.
    """
    method_config, earlier = make_config(config.method, config.options), earlier_training(config.model)
    for view in method_config.parsed_views():
        view.load_lists()
    data = config.data.load(config.seed) if data is None else data
    if not len(data.train):
        raise UsageError(without_training_split(data.name))
    weights = class_weights(config.class_weights, data)
    model, tokenizer = _model_and_tokenizer(config, data)
    max_length = tokens_to_read(model, config.max_length, tokenizer, pairs=len(data.text_columns) > 1)
    end_token = end_token_of_head(model, tokenizer)
    encoded = encode(data.train, tokenizer, data.text_columns, max_length, data.kind, end_token)
    findings = [*data.findings, *findings_about(model, config, data, encoded, max_length)]
    if config.lora_r is not None:
        adapters = (config.lora_r, config.lora_alpha, config.lora_dropout, config.lora_target_modules)
        model = with_lora(model, data.kind, *adapters)
    record = {**_about_data(data, findings), **earlier}
    texts = read_hardening_texts(folder_of_model(config.model))
    return PreparedTraining(config, data, encoded, model, tokenizer, max_length, method_config, weights, record, texts)


def _model_and_tokenizer(config: RunConfig, data: TaskData) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    texts = (str(text) for column in data.written_columns for text in data.train[column])
    trust = config.trust_remote_code
    tokenizer = load_tokenizer(config.model, texts, trust_remote_code=trust)
    tokenizer = with_normalizer(tokenizer, config.normalize, label_per_word=data.kind == "token")
    model = load_model(config.model, data.kind, data.label_names, config.seed, tokenizer, trust_remote_code=trust)
    if data.kind == "regression":
        start_at_labels(model, data.train["label"])
    return model, tokenizer


def _about_data(data: TaskData, findings: Sequence[Finding]) -> dict[str, Any]:
    """The part of run.json on what the model was trained on."""
    return {
        "task": data.name,
        "kind": data.kind,
        "train_examples": len(data.train),
        "data": {
            "text_columns": data.text_columns,
            "classes": data.class_counts,
            "findings": [asdict(finding) for finding in findings],
        },
    }
