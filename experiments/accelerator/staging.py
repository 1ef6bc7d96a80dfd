"""Copy data, word lists and weights into the folders that become the archives of a package."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from experiments.accelerator.needs import Needs
from experiments.accelerator.weights import copy_in_half_precision
from uegr.data.named_tasks import load_task, local_folder, published_splits
from uegr.data.splits import subset
from uegr.data.task_registry import find_task
from uegr.errors import UsageError
from uegr.modeling import embedded_model
from uegr.modeling.embedded_model import EMBEDDED_MODEL, locate_model
from uegr.perturb import natural_misspellings, synonyms, wordnet
from uegr.perturb.wordnet import load_wordnet


def stage_task(name: str, target: Path) -> None:
    """Write the splits of a task that training and measuring read, with all their rows: the examples of a run are drawn
    from all of them.

    Args:
        name: of the task.
        target: the folder that becomes UEGR_DATA.
    """
    task = find_task(name)
    folder, copy = local_folder(name, task), target / (task.folder or name)
    copy.mkdir(parents=True, exist_ok=True)
    if folder is None:
        published = published_splits(name, task)
        for split in set(task.splits.values()) & published.keys():
            published[split].to_parquet(copy / f"{split}.parquet")
        return
    for split in set(task.splits.values()):
        if (folder / f"{split}.parquet").exists():
            shutil.copyfile(folder / f"{split}.parquet", copy / f"{split}.parquet")


def stage_test(name: str, most: int | None, target: Path) -> None:
    """Write the test examples of a task that a run is tested on, and not trained on.

    Args:
        name: of the task.
        most: how many examples are drawn; None: all.
        target: the folder that becomes UEGR_DATA.
    """
    task, data = find_task(name), load_task(name)
    rows = published_splits(name, task)[task.splits["test"]]
    if len(rows) == len(data.test) and data.ranked_by is None:  # else rows were left out before the draw
        rows = subset(rows, most, seed=0)
    copy = target / (task.folder or name)
    copy.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(copy / f"{task.splits['test']}.parquet")


def stage_lexical(needs: Needs, target: Path) -> None:
    """Copy the word lists that the attacks and views read: files of UEGR_DATA, and WordNet as the package `wn`.

    Every synonym table asks WordNet for word forms.
    """
    lists = [synonyms.FILES[table] for table in needs.tables if table in synonyms.FILES]
    lists += natural_misspellings.FILES if needs.misspellings else []
    for name in lists:
        path = Path(os.environ.get("UEGR_DATA", "")) / "lexical" / name
        if path.is_file():
            _copy(path, target / "data/lexical" / name)
    if needs.tables:
        parts = wordnet.PARTS
        names = [*(f"index.{part}" for part in parts), *(f"{part}.exc" for part in parts)]
        names += [f"data.{part}" for part in parts] if "wordnet" in needs.tables else []
        for name in names:
            _copy(load_wordnet().folder / name, target / "site" / wordnet.FOLDER / name)
        _write_metadata(wordnet.PACKAGE, target / "site")


def stage_embedded_model(target: Path) -> None:
    """Write the embedded model where its package would have it."""
    source = Path(locate_model(EMBEDDED_MODEL))
    copy_in_half_precision(source, target / "site" / embedded_model.FOLDER)
    _write_metadata(embedded_model.PACKAGE, target / "site")


def stage_model(name: str, folder: Path, target: Path) -> str:
    """Write the model that a comparison names "$VARIABLE/PATH" as models/VARIABLE/PATH; return the variable."""
    parts = re.fullmatch(r"\$\{?(\w+)\}?((?:/[^$]*)?)", name)
    if parts is None:
        raise UsageError(f"the path '{name}' has more than one variable: write it as $VARIABLE/PATH.")
    copy_in_half_precision(folder, target / "models" / parts[1] / parts[2].strip("/"))
    return parts[1]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write_metadata(package: str, site: Path) -> None:
    """Write the little by which Python finds an installed package."""
    folder = site / f"{package.replace('-', '_')}-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0\n", encoding="utf-8")
