"""Every task of the registry on the real data: rows, splits, two steps of training, a score."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from uegr.data.data_source import DataSource
from uegr.data.named_tasks import load_task
from uegr.data.task_registry import TASKS, find_task
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluator import measure_model
from uegr.modeling.metrics import METRICS
from uegr.modeling.model_loading import load_tokenizer, load_trained
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig


def test_entries_are_consistent() -> None:
    for name, task in TASKS.items():
        assert {*task.metrics} <= {*METRICS}, name
        assert bool(task.labels) == (task.kind in ("classification", "token")), name
        assert {*task.splits.values()} & {*task.rows}, name
        assert task.stand_in is None or TASKS[task.stand_in].family == task.family, name


def test_a_file_in_the_place_of_a_task_is_named() -> None:
    with pytest.raises(UsageError, match="is not a task; it looks like a file: give files to train on"):
        find_task("data/mine.csv")
    with pytest.raises(UsageError, match="unknown task 'sst'"):
        find_task("sst")


@pytest.mark.parametrize("name", TASKS)
def test_rows_are_those_of_the_registry(name: str, data_folder: Path) -> None:
    task = TASKS[name]
    folder = data_folder / (task.folder or name)
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: {name} comes from the hub only")
    counted = {path.stem: pq.read_metadata(path).num_rows for path in folder.glob("*.parquet")}
    assert counted == dict(task.local_rows or task.rows)


@pytest.mark.parametrize("name", TASKS)
def test_task_loads_trains_and_is_scored(
    name: str, data_folder: Path, pretrained_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = TASKS[name]
    if not (data_folder / (task.folder or name)).is_dir():
        pytest.skip(f"UEGR_DATA has no folder {task.folder or name}: {name} comes from the hub only")
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    data = load_task(name).limited(train=16, test=16)
    if data.label_names:
        labels = data.test["label"][:]
        classes = {label for row in labels for label in row} if task.kind == "token" else set(labels)
        assert classes <= {*range(len(data.label_names))}
    model = {"seq2seq": "encoder-decoder", "causal_lm": "decoder"}.get(task.kind, str(pretrained_folder / "bert-tiny"))
    options = {"max_steps": 2, "batch_size": 8, "max_length": 32, "precision": "fp32"}
    config = RunConfig(DataSource(task=name), model, "plain", **options)
    if not len(data.train):
        with pytest.raises(UsageError, match=rf"'{name}' has no training split here.*--task {task.stand_in}"):
            train_run(config, tmp_path / "run", data=data)
        return
    train_run(config, tmp_path / "run", data=data, cost={"flop_ratio": 1.0, "time_ratio": 1.0})
    trained, tokenizer = load_trained(tmp_path / "run", task.kind), load_tokenizer(str(tmp_path / "run"))
    evaluated = EvaluatedModel(trained, tokenizer, data.text_columns, kind=task.kind, max_length=32)
    measured = measure_model(
        evaluated, data.test, metrics=data.metrics, epsilons=(0.05,), attack=PGD(steps=1, restarts=1)
    )
    value = measured["metrics"][measured["metric"]]
    assert measured["metric"] == task.metrics[0]
    assert -1.0 <= value <= 1.0 or (measured["metric"] == "perplexity" and value > 1.0)


def test_the_table_in_the_documents_names_every_task() -> None:
    text = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    listed = {row[1].strip().strip("`"): row for row in rows if len(row) == 9}
    assert {*listed} == {*TASKS}
    for name, task in TASKS.items():
        for count in task.rows.values():
            assert f"{count:,}" in listed[name][2], name
        assert task.licence in listed[name][6], name
