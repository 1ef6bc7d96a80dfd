"""Real pretrained models of three kinds learn 64 real sentences, and classify sentences they have not seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from uegr.data.data_source import DataSource
from uegr.runs.evaluate import evaluate_run
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig


@pytest.mark.parametrize(
    ("name", "rate", "epochs"), [("bert-tiny", 1e-3, 8), ("tinybert-4l", 5e-4, 8), ("granite-30m", 3e-4, 3)]
)
def test_learns_a_few_sentences(
    name: str,
    rate: float,
    epochs: int,
    pretrained_folder: Path,
    data_folder: Path,
    tmp_path: Path,
) -> None:
    files = {f"{split}_file": str(data_folder / "subj" / f"{split}.parquet") for split in ("train", "test")}
    data = DataSource(**files, text_column="sentence", max_train_examples=64, max_test_examples=96)  # type: ignore[arg-type]
    model = str(pretrained_folder / name)
    config = RunConfig(data, model=model, learning_rate=rate, epochs=epochs, batch_size=16, max_length=32)
    cost = {"flop_ratio": 1.0, "time_ratio": 1.0, "seconds": 0.0}
    train_run(config, tmp_path / "run", cost=cost)
    accuracy = evaluate_run(tmp_path / "run", epsilons=[0.0], attack_examples=1).metrics["accuracy"]
    assert accuracy > 0.7, "chance is 0.5, four standard errors of 96 sentences below"
