"""Two training steps on every task that is available on this machine.

    python -m experiments.task_check [TASK ...]    uegr train --task NAME --max_steps 2; results in results/tasks.json
                                                   (those of the named tasks are replaced)

Two steps show that a task loads, trains and is scored; the scores mean nothing else. A task without a training split
is measured with the model of the task that stands in for it. The model is UEGR_MODELS/bert-tiny if that folder exists,
else textcnn; for sequence-to-sequence and language modelling a small model from scratch.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from experiments.paths import RESULTS
from uegr.atomic_files import write_json
from uegr.cli.app import app
from uegr.cli.main import main as _registers_the_commands  # noqa: F401
from uegr.data.named_tasks import load_task, sources
from uegr.data.task_registry import TASKS
from uegr.evaluation.output_scores import clean_scores
from uegr.libraries import silence_libraries
from uegr.modeling.metrics import METRICS
from uegr.runs.finished_run import open_run
from uegr.runs.results_json import read_results

RUNS = Path("runs/tasks")
MODELS = {"seq2seq": "encoder-decoder", "causal_lm": "decoder"}
TEST_EXAMPLES = 300


def small_model(kind: str) -> str:
    """The model for a kind of task."""
    encoder = Path(os.environ.get("UEGR_MODELS", "")) / "bert-tiny"
    return MODELS.get(kind, str(encoder) if encoder.is_dir() else "textcnn")


def train_two_steps(name: str) -> Path:
    """Run the command line of a user; return the run folder."""
    folder = RUNS / name
    arguments = ["train", "--task", name, "--max_steps", "2", "--method", "plain", "--output_dir", str(folder)]
    arguments += ["--model_name_or_path", small_model(TASKS[name].kind), "--overwrite"]
    app([*arguments, "--max_train_examples", "1000", "--max_test_examples", str(TEST_EXAMPLES)], standalone_mode=False)
    return folder


def run(names: list[str]) -> None:
    """Train and score every task that is available, and write the results."""
    results: dict[str, Any] = {}
    for name in names or TASKS:
        task = TASKS[name]
        if not {"UEGR_DATA", "package"} & {*sources(name, task)}:
            print(f"{name}: only on the hub, left out", flush=True)
            continue
        start = time.perf_counter()
        print(f"--- {name}", flush=True)
        if len(load_task(name).train):
            folder = train_two_steps(name)
            trained = open_run(folder)
            rows, metric = trained.data.validation, task.metrics[0]
            value = clean_scores(trained.evaluated_model, rows, task.metrics)[metric]
            results[name] = {"metric": metric, "value": value, "examples": len(rows), "split": "validation"}
        else:
            stand_in = str(task.stand_in)
            folder = RUNS / stand_in
            if not (folder / "model.safetensors").exists():
                train_two_steps(stand_in)
            quick = ["--attack_examples", "20", "--epsilons", "0,0.05", "--attack_steps", "1", "--attack_restarts", "1"]
            transfer_options = ["--on", name, "--on_examples", str(TEST_EXAMPLES)]
            app(["evaluate", str(folder), *transfer_options, *quick], standalone_mode=False)
            transfers = read_results(folder)[0].transfer
            transfer = next(transfer for transfer in transfers if transfer["task"] == name)
            metric, value = transfer["metric"], transfer["metrics"][transfer["metric"]]
            results[name] = {"metric": metric, "value": value, "examples": transfer["test_examples"], "split": "test"}
            results[name]["trained_on"] = stand_in
        model = Path(open_run(folder).record["config"]["model"]).name
        results[name] |= {"model": model, "from": sources(name, task)[0]}
        results[name]["seconds"] = round(time.perf_counter() - start, 1)
        print(f"{name}: {METRICS[metric].title} {METRICS[metric].text(value)}", flush=True)
    path = RESULTS / "tasks.json"
    known = json.loads(path.read_text(encoding="utf-8"))["tasks"] if names else {}
    every = {**known, **results}
    write_json(path, {"max_steps": 2, "tasks": {name: every[name] for name in TASKS if name in every}})
    print(f"{len(results)} tasks trained and scored")


if __name__ == "__main__":
    silence_libraries()
    run(sys.argv[1:])
