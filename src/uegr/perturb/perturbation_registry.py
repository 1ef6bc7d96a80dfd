"""All perturbations by name; a new one is a file in this folder and its line here."""

from uegr.errors import unknown
from uegr.perturb.character_edits import CharacterEdits
from uegr.perturb.contractions import Contractions
from uegr.perturb.harmless_words import HarmlessWords
from uegr.perturb.homoglyphs import Homoglyphs
from uegr.perturb.inserted_signs import InsertedSigns
from uegr.perturb.invisible_characters import InvisibleCharacters
from uegr.perturb.joined_words import JoinedWords
from uegr.perturb.keyboard_slips import KeyboardSlips
from uegr.perturb.leetspeak import Leetspeak
from uegr.perturb.letter_case import LetterCase
from uegr.perturb.natural_misspellings import NaturalMisspellings
from uegr.perturb.ocr_errors import OCRErrors
from uegr.perturb.perturbation import Perturbation
from uegr.perturb.random_typos import RandomTypos
from uegr.perturb.rewording import Rewording
from uegr.perturb.spaced_letters import SpacedLetters

PERTURBATIONS: dict[str, Perturbation] = {
    kind.name: kind()
    for kind in (
        *(Homoglyphs, InvisibleCharacters, SpacedLetters, JoinedWords, Leetspeak, LetterCase, InsertedSigns),
        *(RandomTypos, NaturalMisspellings, KeyboardSlips, OCRErrors, Contractions, HarmlessWords),
        *(CharacterEdits, Rewording),
    )
}

GROUPS = {"obfuscation": ("homoglyphs", "invisible", "spaced", "leetspeak", "signs")}
"""Name of several perturbations together -> their names. Obfuscation: the tricks that hide a word from a filter."""


def find_perturbation(name: str) -> Perturbation:
    """The perturbation of this name, ready to be used.

    Raises:
        UsageError: there is no such perturbation, or a list that it needs is not on this machine.
    """
    if name not in PERTURBATIONS:
        raise unknown("perturbation", name, PERTURBATIONS)
    PERTURBATIONS[name].prepare()
    return PERTURBATIONS[name]
