"""A trained and evaluated run, one for all tests of the verbs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conftest import reviews
from uegr.data.data_source import DataSource
from uegr.evaluation.attacks.pgd import PGD
from uegr.runs.evaluate import evaluate_run
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig


@pytest.fixture(scope="session")
def _evaluated_run(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    reviews(60).to_csv(folder / "reviews.csv", index=False)
    config = RunConfig(
        data=DataSource(train_file=str(folder / "reviews.csv")),
        model=str(model_folder),
        method="plain",
        epochs=2,
        batch_size=8,
        learning_rate=1e-2,
        precision="fp32",
    )
    train_run(config, folder / "run", cost={"flop_ratio": 1.0, "time_ratio": 1.0})
    evaluate_run(folder / "run", epsilons=(0.0, 0.05), attack=PGD(steps=1, restarts=1))
    return folder / "run"


@pytest.fixture
def evaluated_run(_evaluated_run: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may change."""
    return Path(shutil.copytree(_evaluated_run, tmp_path / "run"))
