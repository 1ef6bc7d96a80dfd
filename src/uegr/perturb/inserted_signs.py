"""Punctuation and emoji put in: "fr.ee", "free!!", "free 🎁"."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct
from uegr.perturb.words import characters_of

INSIDE = (".", "-", "'", "*", "_", "/")
AFTER = ("!!", "...", "?!", " -", ";")
EMOJI = ("🙂", "😂", "🔥", "🎁", "👍", "💯", "❤️", "✨")


class InsertedSigns(WordPerturbation):
    """A punctuation mark inside a word, or punctuation marks or an emoji after it."""

    name: ClassVar[str] = "signs"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        characters = characters_of(word)
        candidates = [word + generator.choice(AFTER), f"{word} {generator.choice(EMOJI)}"]
        if len(characters) > 1:
            place = generator.randrange(1, len(characters))
            candidates.insert(0, "".join(characters[:place]) + generator.choice(INSIDE) + "".join(characters[place:]))
        return distinct(word, candidates)
