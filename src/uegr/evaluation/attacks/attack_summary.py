"""The objects of results.json's "text_attacks" and "embedding_attacks"."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset

from uegr.evaluation.attacks.attack_results import COLUMN_MARK, AttackOutcome, RobustMask, TextAttackResult
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, Queries
from uegr.evaluation.attacks.text_attack import TextAttack, attack_texts
from uegr.evaluation.evaluated_model import EvaluatedModel, OnBatch
from uegr.evaluation.forward_clock import Clock
from uegr.evaluation.packed_outcomes import pack_bits
from uegr.evaluation.robustness import curve_part, robust_mask
from uegr.evaluation.sentence_encoder import SentenceEncoder, load_encoder
from uegr.perturb.words import has_unspaced_words, pieces_of

SAMPLES = 10
"""Largest number of fooling texts that are written to results.json."""


def measure_text_attack(
    evaluated: EvaluatedModel,
    rows: Dataset,
    attack: TextAttack,
    label_names: Sequence[str],
    clock: Clock,
    on_batch: OnBatch = lambda examples: None,
) -> tuple[dict[str, Any], list[AttackOutcome]]:
    """Run an attack on the text of every row, and return one object of "text_attacks" and the outcomes.

    Args:
        evaluated, rows, attack, on_batch: as for `attack_texts`.
        label_names: the classes.
        clock: measures the cost.
    """
    encoder = load_encoder()
    with clock.measure() as cost:
        outcomes = attack_texts(evaluated, rows, attack, encoder, on_batch)
    options = attack.options()
    if encoder is None and "similarity" in options:
        options["similarity"] = None
    measured = {"attack": attack.name, "options": options, **summary(outcomes, label_names, encoder), "cost": cost}
    return measured, outcomes


def measure_embedding_attack(
    evaluated: EvaluatedModel,
    rows: Dataset,
    attack: EmbeddingAttack,
    epsilons: Sequence[float],
    clock: Clock,
    on_batch: OnBatch = lambda examples: None,
) -> tuple[dict[str, Any], RobustMask]:
    """Run an attack on the embeddings of every row, and return one object of "embedding_attacks" and the mask.

    Args:
        evaluated, rows, attack, epsilons, on_batch: as for `robust_mask`.
        clock: measures the cost.
    """
    queries = Queries()
    with clock.measure() as cost:
        robust = robust_mask(evaluated, rows, epsilons, attack, on_batch, queries)
    return {**curve_part(attack, epsilons, robust), "queries": queries.count / len(rows), "cost": cost}, robust


def summary(
    outcomes: Sequence[AttackOutcome], label_names: Sequence[str], encoder: SentenceEncoder | None = None
) -> dict[str, Any]:
    """Accuracies, success rate, queries, how much was changed, and samples; see docs/results-schema.md.

    Args:
        outcomes: of every example, in order.
        label_names: the classes.
        encoder: measures how similar the fooling texts are; None leaves "similarity" null.
    """
    result = TextAttackResult("", outcomes)
    fooled = [(outcome, outcome.after) for outcome in outcomes if outcome.after is not None]
    pairs = [(outcome.before[-1], after[-1]) for outcome, after in fooled]
    changed = [_share_changed(before, after) for before, after in pairs]
    return {
        "examples": len(outcomes),
        "clean_accuracy": result.clean_accuracy,
        "accuracy": result.accuracy,
        "success_rate": result.success_rate,
        "queries": result.queries,
        "untouched": sum(outcome.untouched for outcome in outcomes),
        "unspaced": sum(has_unspaced_words(outcome.before[-1]) for outcome in outcomes),
        "words_changed": float(np.mean(changed)) if changed else None,
        "similarity": float(encoder.cosines(pairs).mean()) if encoder and pairs else None,
        "outcomes": pack_bits(result.robust_mask),
        "samples": [
            {
                "label": label_names[outcome.label],
                "before": COLUMN_MARK.join(outcome.before),
                "after": COLUMN_MARK.join(after),
                "predicted": label_names[outcome.predicted],
            }
            for outcome, after in fooled[:SAMPLES]
        ],
    }


def _share_changed(before: str, after: str) -> float:
    """Share of the words of the text before, with the signs at them, that are not in the text after, in their order.

    Where no word is missing, the words that were put in count. Signs that stand alone are no words: where more of them
    were put in than words were changed, their number counts.
    """
    unspaced = has_unspaced_words(before)
    (words, signs), (new_words, new_signs) = (_words_and_signs(text, unspaced) for text in (before, after))
    numbers = {word: number for number, word in enumerate({*words, *new_words})}
    new = np.array([numbers[word] for word in new_words], dtype=np.int32)
    common = np.zeros(len(new) + 1, dtype=np.int32)  # longest common subsequence with each beginning of the new words
    for word in words:
        common[1:] = np.maximum(common[1:], common[:-1] + (new == numbers[word]))
        np.maximum.accumulate(common, out=common)
    kept = int(common[-1])
    changed = max(len(words) - kept or len(new_words) - kept, new_signs - signs)
    return min(1.0, changed / len(words)) if words else 0.0


def _words_and_signs(text: str, unspaced: bool) -> tuple[list[str], int]:
    """The pieces of a text that have a letter or a digit, and the number of the others."""
    pieces = [piece for piece in pieces_of(text, unspaced=unspaced) if not piece.isspace()]
    words = [piece for piece in pieces if any(map(str.isalnum, piece))]
    return words, len(pieces) - len(words)
