"""What is measured on a model that writes text: likelihood of the references, and BLEU of what it writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor

from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import sorted_epsilons
from uegr.evaluation.worst_case import describe_worst, worst_outputs
from uegr.modeling.metrics import bleu
from uegr.modeling.task_kinds.task_kind import IGNORED_LABEL


def scores(subject: EvaluatedModel, rows: Dataset) -> dict[str, float]:
    """NLL a target token, its exponential (perplexity), the share of tokens predicted right given those before;
    for seq2seq BLEU of greedy decoding, too."""
    with torch.no_grad():
        parts = [_tokens(subject, subject.logits(batch), batch).sum(dim=0) for _, batch in subject.batches(rows)]
    nll, right, count = torch.stack(parts).sum(dim=0).tolist()
    measured = {"nll": nll / count, "perplexity": math.exp(nll / count), "token_accuracy": right / count}
    if subject.kind == "seq2seq":
        measured["bleu"] = bleu(write(subject, rows), [str(text) for text in rows["label"]])
    return measured


@torch.no_grad()
def write(subject: EvaluatedModel, rows: Dataset) -> list[str]:
    """What a seq2seq model writes for each row: greedy decoding, at most `max_length` tokens."""
    written = [""] * len(rows)
    for positions, batch in subject.batches(rows):
        with subject.autocast():
            ids = subject.model.generate(  # type: ignore[operator]
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=subject.max_length,
                num_beams=1,
                do_sample=False,
            )
        texts = subject.tokenizer.batch_decode(ids, skip_special_tokens=True)
        for position, text in zip(positions, texts, strict=True):
            written[position] = text
    return written


def curve(
    subject: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: PGD,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> dict[str, Any]:
    """The "robustness" part of results.json: share of target tokens predicted right, given those before, at the
    largest error of the sequence that the attack on the input's embeddings found."""
    radii = sorted_epsilons(epsilons)

    def error(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return _tokens(subject, logits, batch)[:, 0]

    def output(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return _tokens(subject, logits, batch)[:, 1:].detach()

    worst = worst_outputs(subject, rows, radii, attack, error, output, on_batch).sum(axis=1)
    return describe_worst(
        attack, radii, len(rows), "token_accuracy", [float(one) for one in np.divide(worst[:, 0], worst[:, 1])]
    )


def _tokens(subject: EvaluatedModel, logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Summed NLL, tokens right, and tokens, of each sequence: shape (B, 3)."""
    labels = batch["labels"]
    if subject.kind == "causal_lm":  # what stands at one place is predicted from the place before
        logits, labels = logits[:, :-1], labels[:, 1:]
    real = labels != IGNORED_LABEL
    nll = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none", ignore_index=IGNORED_LABEL).sum(dim=1)
    right = ((logits.argmax(dim=-1) == labels) & real).sum(dim=1)
    return torch.stack([nll, right.to(nll.dtype), real.sum(dim=1).to(nll.dtype)], dim=1)
