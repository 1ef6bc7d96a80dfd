"""One object of results.json's "text_attacks", from what became of each example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from uegr.evaluation.attacks.text_attack import AttackOutcome
from uegr.evaluation.packed_outcomes import pack_bits
from uegr.evaluation.sentence_encoder import SentenceEncoder
from uegr.perturb.words import words_of

SAMPLES = 10
COLUMN_MARK = " ¶ "
"""Stands between the text columns of a sample."""


def summary(
    outcomes: Sequence[AttackOutcome], label_names: Sequence[str], encoder: SentenceEncoder | None = None
) -> dict[str, Any]:
    """Accuracies, success rate, queries, how much was changed, and samples; see docs/results-schema.md.

    Args:
        outcomes: of every example, in order.
        label_names: the classes.
        encoder: tells how similar the fooling texts are; None leaves "similarity" null.
    """
    right = np.array([one.right for one in outcomes], dtype=bool)
    held = np.array([one.right and one.after is None for one in outcomes], dtype=bool)
    fooled = [(one.before, one.after, one) for one in outcomes if one.after is not None]
    changed = [_share_changed(before[-1], after[-1]) for before, after, _ in fooled]
    pairs = [(before[-1], after[-1]) for before, after, _ in fooled]
    return {
        "examples": len(outcomes),
        "clean_accuracy": float(right.mean()),
        "accuracy": float(held.mean()),
        "success_rate": float(1.0 - held.sum() / right.sum()) if right.any() else None,
        "queries": float(np.mean([one.queries for one in outcomes])),
        "words_changed": float(np.mean(changed)) if changed else None,
        "similarity": float(encoder.cosines(pairs).mean()) if encoder and pairs else None,
        "outcomes": pack_bits(held),
        "samples": [
            {
                "label": label_names[one.label],
                "before": COLUMN_MARK.join(before),
                "after": COLUMN_MARK.join(after),
                "predicted": label_names[one.predicted],
            }
            for before, after, one in fooled[:SAMPLES]
        ],
    }


def _share_changed(before: str, after: str) -> float:
    """Share of the words that differ; an attack replaces words, so they stand at the same places."""
    old, new = words_of(before), words_of(after)
    return sum(one != other for one, other in zip(old, new, strict=True)) / len(old)
