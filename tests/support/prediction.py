"""A model's folder to predict with, and the rows that were written."""

import csv
from pathlib import Path

from conftest import tokenizer
from support.small_models import bert


def checkpoint(folder: Path, labels: int, **config: object) -> Path:
    """Save a small classifier with these entries of its configuration."""
    model = bert(labels=labels)
    for name, value in config.items():
        setattr(model.config, name, value)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
