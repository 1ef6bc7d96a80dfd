"""What tables say of attacks on the text: which edits a run was trained on, how much was changed, and the limit."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from uegr.runs.result_parts import TRAINED_MARK, TRAINED_ON, TextAttackRecord
from uegr.runs.run_result import RunResult
from uegr.runs.text_attack_groups import heading_of

MARK_NOTE = f"{TRAINED_MARK.strip()}: {TRAINED_ON}."


def mark_note(results: Iterable[RunResult]) -> str:
    """Return what the mark of a number means; empty where no number has it."""
    marks = (
        mark for result in results for mark in (result.typo_mark, *(attack.mark for attack in result.text_attacks))
    )
    return MARK_NOTE if any(marks) else ""


def trained_line(attacks: Mapping[str, Collection[str]]) -> str:
    """Return a sentence on whose accuracy is under edits that it was trained on; empty where nobody's is.

    Args:
        attacks: name of a run or method -> the names of these attacks.
    """
    parts = [f"{label} under {', '.join(names)}" for label, names in attacks.items() if names]
    return f"{TRAINED_ON.capitalize()}: {'; '.join(parts)}." if parts else ""


def changes_line(results: Sequence[RunResult]) -> str:
    """Return a sentence on how much the attacks on the text changed; empty where that was not measured."""
    groups: dict[tuple[str, str], list[TextAttackRecord]] = {}
    for attack in (attack for result in results for attack in result.text_attacks):
        if attack.words_changed is not None:
            groups.setdefault((heading_of(attack), similarity_limit(attack)), []).append(attack)
    parts = []
    for (heading, limit), alike in groups.items():
        words, similarity = (
            _mean(attack.words_changed for attack in alike),
            _mean(attack.similarity for attack in alike),
        )
        parts.append(f"{heading} {percent(words)} %, {cosine(similarity)}{limit}")
    if not parts:
        return ""
    limited = " (its limit)" if any(limit for _, limit in groups) else ""
    return f"Words changed in the texts that fool a model, and cosine to the text before{limited}: {'; '.join(parts)}."


def similarity_limit(attack: TextAttackRecord) -> str:
    """Return the least cosine to the text before that an attack allows, in brackets after a space; empty for none."""
    limit = attack.options.get("similarity")
    return f" ({round(limit, 2):g})" if isinstance(limit, (int, float)) and limit else ""


def percent(fraction: float | None) -> str:
    """Return a share as text; a dash where it was not measured (None, or NaN as the mean over no seed)."""
    return "–" if fraction is None or math.isnan(fraction) else f"{100 * fraction:.1f}"


def cosine(similarity: float | None) -> str:
    """Return a cosine as text."""
    return "–" if similarity is None else f"{similarity:.2f}"


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that were measured."""
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured else None
