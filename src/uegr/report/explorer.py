"""The attacked texts of the runs, with their changed words, and what the page filters them by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uegr.report.changed_words import Pieces, mark_changes
from uegr.report.run_groups import Group, first_shown
from uegr.report.table_measures import attack_in_words
from uegr.runs.result_parts import TextAttackRecord

FOOLED, HELD, UNTOUCHED, WRONG = "fooled", "held", "could not be changed", "wrong before the attack"
OUTCOMES = (FOOLED, HELD, UNTOUCHED, WRONG)
ALL_NOTE = (
    "Changed words are marked. Fooled: right before the attack and wrong after it. Held: no change that was tried made "
    "the model wrong, so there is no text after. Could not be changed: there is no such change for any word of it, "
    "and it counts as right. A text that is wrong before is not attacked."
)
SAMPLES_NOTE = (
    "These runs hold only the first texts that fooled the model. To see every attacked text, attack again with uegr "
    "attack and name the folders of the runs, not their results.json."
)


@dataclass(frozen=True)
class AttackedText:
    """One text under one attack on one run.

    Args:
        run, attack, label, outcome: the fields that the page filters by.
        trained_on: whether the model was trained on such edits.
        predicted_before, predicted: predicted classes before and after the attack.
        before, after: the text in pieces; `after` is None where no text fooled the model.
    """

    run: str
    attack: str
    label: str
    outcome: str
    trained_on: bool
    predicted_before: str
    predicted: str
    before: Pieces
    after: Pieces | None


@dataclass(frozen=True)
class Explorer:
    """What the page shows of the attacked texts.

    Args:
        texts: in the order of the page.
        filters: name of a field of `AttackedText` -> heading and choices.
        note: how to read the texts, and what is missing.
    """

    texts: list[AttackedText]
    filters: dict[str, tuple[str, list[str]]]
    note: str


def explore(groups: Sequence[Group]) -> Explorer:
    """Return the attacked texts of the first run of each group."""
    attacks = [(group, attack) for group in groups for attack in group.first.text_attacks]
    only_samples = any(attack.samples and not attack.texts for _, attack in attacks)
    texts = _in_page_order([text for group, attack in attacks for text in _texts(group, attack)])
    names = list(dict.fromkeys(text.attack for text in texts))
    choices = {
        "run": ("model", list(dict.fromkeys(group.label for group in groups))),
        "label": ("class", sorted({text.label for text in texts})),
        "attack": ("attack", names),
        "outcome": ("outcome", [outcome for outcome in OUTCOMES if any(text.outcome == outcome for text in texts)]),
    }
    filters = {name: (heading, values) for name, (heading, values) in choices.items() if len(values) > 1}
    note = " ".join(filter(None, (ALL_NOTE, SAMPLES_NOTE if only_samples else "", first_shown(groups))))
    return Explorer(texts, filters, note)


def _in_page_order(texts: list[AttackedText]) -> list[AttackedText]:
    """Sort by attack, texts that fooled a model first; the same text of several runs stands together."""

    def identity(text: AttackedText) -> tuple[str, str]:
        return text.attack, "".join(piece for piece, _ in text.before)

    attacks = list(dict.fromkeys(text.attack for text in texts))
    fooling = {identity(text) for text in texts if text.outcome == FOOLED}
    positions: dict[tuple[str, str], int] = {}
    for text in texts:
        positions.setdefault(identity(text), len(positions))

    def place(text: AttackedText) -> tuple[int, bool, int]:
        return attacks.index(text.attack), identity(text) not in fooling, positions[identity(text)]

    return sorted(texts, key=place)


def _texts(group: Group, attack: TextAttackRecord) -> Iterator[AttackedText]:
    # A sample is a success: the model was right before.
    samples = ({**sample, "predicted_before": sample["label"]} for sample in attack.samples)
    for row in attack.texts or samples:
        before, after = (
            ([(row["before"], False)], None) if row["after"] is None else mark_changes(row["before"], row["after"])
        )
        yield AttackedText(
            group.label,
            attack_in_words(attack),
            row["label"],
            _outcome(row),
            bool(attack.trained_on),
            row["predicted_before"],
            row["predicted"],
            before,
            after,
        )


def _outcome(row: Mapping[str, Any]) -> str:
    if row["predicted_before"] != row["label"]:
        return WRONG
    if row["after"] is not None:
        return FOOLED
    return UNTOUCHED if row.get("untouched") else HELD
