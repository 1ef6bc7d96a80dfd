"""Letters of another script that look the same: "pаypal" with a Cyrillic a."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct, translations

LOOK_ALIKES = str.maketrans(
    "aceijopsxyhdlqwvnugABCEHIKMNOPSTXYZ",
    "асеіјорѕхуһԁӏԛԝѵոսցАВСЕНІКМΝОРЅТХΥΖ",
)
"""Latin letters and their look-alikes in Cyrillic, Armenian and Greek, by Unicode's table of confusables."""


class Homoglyphs(WordPerturbation):
    """One letter, or all letters, of a word become their look-alikes."""

    name: ClassVar[str] = "homoglyphs"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        return distinct(word, translations(word, LOOK_ALIKES, generator))
