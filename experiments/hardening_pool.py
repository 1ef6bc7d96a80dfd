"""Write sentences of film reviews, encyclopedia articles and image captions for `uegr harden`, one per line.

    python -m experiments.hardening_pool sentences.txt

They are the training texts of IMDB, WikiText-2 and Multi30k (its English side), in the folder UEGR_DATA: some 360,000
sentences of 5 to 40 words.
"""

import os
import sys
from pathlib import Path

import pandas as pd
import regex

SOURCES = {"imdb": "sentence", "wikitext2_raw": "text", "multi30k_en_de": "en"}
"""Folder of UEGR_DATA -> its column of texts."""
END = regex.compile(r"(?<=[.!?][\"')]?)\s+(?=[\"'(]?\p{Lu})|(?:<br />)+")
"""Between two sentences: white space after a full stop and before a capital letter, or a line break of IMDB."""
FEWEST_WORDS, MOST_WORDS = 5, 40


def sentences_of(text: str) -> list[str]:
    """The sentences of a text that are neither a heading nor very long."""
    sentences = (" ".join(part.split()) for part in END.split(text))
    return [
        sentence
        for sentence in sentences
        if FEWEST_WORDS <= len(sentence.split()) <= MOST_WORDS and not sentence.startswith("=")
    ]


def read_pool(folder: Path) -> list[str]:
    """All sentences, each once."""
    pool: dict[str, None] = {}
    for name, column in SOURCES.items():
        for text in pd.read_parquet(folder / name / "train.parquet")[column]:
            pool |= dict.fromkeys(sentences_of(text))
    return list(pool)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("\n".join(read_pool(Path(os.environ["UEGR_DATA"]))) + "\n", encoding="utf-8")
