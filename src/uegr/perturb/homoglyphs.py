"""Letters of another script that look the same: "pаypal" with a Cyrillic a."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct

LOOK_ALIKES = str.maketrans(
    "aceijopsxyhdlqwvnugABCEHIKMNOPSTXYZ",
    "асеіјорѕхуһԁӏԛԝѵոսցАВСЕНІКМΝОРЅТХΥΖ",
)
"""Latin letters and their look-alikes in Cyrillic, Armenian and Greek, by Unicode's table of confusables."""


class Homoglyphs(WordPerturbation):
    """One letter, or all letters, of a word become their look-alikes."""

    name: ClassVar[str] = "homoglyphs"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        places = [i for i, letter in enumerate(word) if ord(letter) in LOOK_ALIKES]
        if not places:
            return []
        place = generator.choice(places)
        one_letter = word[:place] + word[place].translate(LOOK_ALIKES) + word[place + 1 :]
        return distinct(word, [one_letter, word.translate(LOOK_ALIKES)])
