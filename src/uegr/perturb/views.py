"""What a pass of the model reads: the example itself, or an edited or adversarial version of it.

A view is written as parts joined by "+". A part may have a colon and the mean share of the words that it edits:
"clean", "adversarial", "characters", "adversarial+characters:0.2+words:0.15+mask:0.05". The parts are "clean",
"adversarial", "words", "mask", "tokens" and every perturbation of `uegr.perturb.perturbation_registry`. [ours]
"""

import functools
import random
from collections.abc import Iterable
from dataclasses import dataclass

from uegr.errors import UsageError, unknown
from uegr.perturb.perturbation import WordPerturbation
from uegr.perturb.perturbation_registry import PERTURBATIONS, find_perturbation
from uegr.perturb.rewording import Rewording

CLEAN, ADVERSARIAL = "clean", "adversarial"
MASK, TOKENS = "mask", "tokens"
OTHER_NAMES = {"words": Rewording.name}
"""Another name of an edit -> its name."""
OWN_RATES = {Rewording.name: 0.15, MASK: 0.05, TOKENS: 0.2}
"""Mean share of the words that become a synonym, the mask token or nothing, or the same word in other tokens."""
RATE = 0.2
"""Mean share of the words that any other edit changes."""
_TYPING_ERRORS = ("characters", "typos", "slips", "misspellings")
"""Misspellings that people made are at most two edits away from the word, as those of the view `characters` are."""
_MISSPELT = ("deepwordbug", "deepwordbug-published", "textattack:DeepWordBugGao2018", "textattack:Pruthi2019")
_SYNONYMS = ("synonyms", "textfooler-published", "textattack:TextFoolerJin2019")
ATTACKS_OF_EDIT = {
    **dict.fromkeys(_TYPING_ERRORS, (*_TYPING_ERRORS, *_MISSPELT)),
    Rewording.name: (Rewording.name, *_SYNONYMS),
    MASK: ("deletion",),
}
"""Edit in training -> the attacks that make the same kind of edit; for an edit not listed, the attack of its name."""


@dataclass(frozen=True)
class Edit:
    """One kind of edit of a text.

    Args:
        name: of the edit.
        rate: mean share of the words it changes; drawn per example from [0, 2 x rate].
    """

    name: str
    rate: float

    @property
    def rewrites_texts(self) -> bool:
        """Whether the edit changes a text as a whole; the others change single words."""
        perturbation = PERTURBATIONS.get(self.name)
        return perturbation is not None and not isinstance(perturbation, WordPerturbation)

    def draw_rate(self, generator: random.Random) -> float:
        """Draw the share of the words of one example that the edit changes."""
        return generator.uniform(0.0, 2.0 * self.rate)


@dataclass(frozen=True)
class View:
    """What a pass reads.

    Args:
        edits: of the text.
        adversarial: the adversary's delta is added to the embeddings of the tokens that were not edited.
    """

    edits: tuple[Edit, ...] = ()
    adversarial: bool = False

    def load_lists(self) -> None:
        """Load the lists of words that the edits need, before the first step needs them.

        Raises:
            UsageError: a list is not on this machine.
        """
        for edit in self.edits:
            if edit.name in PERTURBATIONS:
                find_perturbation(edit.name)


@functools.cache  # called in every step
def parse_view(text: str) -> View:
    """Read a view that is written as text, such as "adversarial+characters:0.2".

    Raises:
        UsageError: an unknown part, a part that is named twice, or a rate that is not in (0, 0.5].
    """
    edits: list[Edit] = []
    written_as: dict[str, str] = {}
    for part in map(str.strip, text.split("+")):
        written, _, rate = part.partition(":")
        name = OTHER_NAMES.get(written, written)
        if name in written_as:
            raise UsageError(
                f"the view '{text}' has {written_as[name]} and {written}, which are the same: name it once, with the "
                "rate of both together."
            )
        written_as[name] = written
        if name in (CLEAN, ADVERSARIAL):
            if rate:
                raise UsageError(f"the view {name} has no rate: write {name} instead of '{part}'.")
        elif name not in OWN_RATES and name not in PERTURBATIONS:
            raise unknown("view", name, dict.fromkeys((CLEAN, ADVERSARIAL, *OTHER_NAMES, *OWN_RATES, *PERTURBATIONS)))
        else:
            edits.append(Edit(name, _rate(part, rate) if rate else OWN_RATES.get(name, RATE)))
    if CLEAN in written_as and len(written_as) > 1:
        raise UsageError(f"a clean view is not edited: leave clean out of '{text}'.")
    return View(tuple(edits), ADVERSARIAL in written_as)


def trained_attacks(views: Iterable[str]) -> set[str]:
    """The names of the text attacks that make the same kinds of edits as a training with these views."""
    edits = (edit.name for view in views for edit in parse_view(view).edits)
    return {attack for edit in edits for attack in ATTACKS_OF_EDIT.get(edit, (edit,))}


def _rate(part: str, rate: str) -> float:
    try:
        value = float(rate)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 0.5:  # drawn per example up to twice the rate
        raise UsageError(f"the rate of a view must be above 0 and at most 0.5, as in characters:0.2, not '{part}'.")
    return value
