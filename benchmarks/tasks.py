"""Two steps on every task that is on this machine, and the table of the tasks in docs/tasks.md.

    python -m benchmarks.tasks run [TASK ...]     uegr train --task NAME --max_steps 2, into results/tasks.json
    python -m benchmarks.tasks table              write the tables of docs/tasks.md from the registry and results/*.json

Two steps show that a task loads, trains and is scored; the scores mean nothing else. A task without a training split
is measured with the model of the task that stands in for it. The model is the smallest there is, UEGR_MODELS/bert-tiny
where that folder is set; for sequence-to-sequence and language modelling a small one from nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.document import replace_block
from uegr.atomic_files import write_json
from uegr.cli.app import app
from uegr.cli.main import main as _registers_the_commands  # noqa: F401
from uegr.data.named_tasks import load_task, sources
from uegr.data.task_registry import TASKS
from uegr.libraries import silence_libraries
from uegr.modeling.metrics import METRICS, show
from uegr.runs.evaluate import validation_metric
from uegr.runs.finished_run import open_run
from uegr.runs.run_folder import read_results

RESULT, RUNS, PAGE = Path("results/tasks.json"), Path("runs/tasks"), Path("docs/tasks.md")
MODELS = {"seq2seq": "encoder-decoder", "causal_lm": "decoder"}
TEST_EXAMPLES = 300
SPLITS = ("train", "validation", "test")


def small_model(kind: str) -> str:
    """What two steps are made with."""
    encoder = Path(os.environ.get("UEGR_MODELS", "")) / "bert-tiny"
    return MODELS.get(kind, str(encoder) if encoder.is_dir() else "textcnn")


def train_two_steps(name: str) -> Path:
    """The command of a user, once."""
    folder = RUNS / name
    arguments = ["train", "--task", name, "--max_steps", "2", "--method", "plain", "--output_dir", str(folder)]
    arguments += ["--model_name_or_path", small_model(TASKS[name].kind), "--overwrite"]
    app([*arguments, "--max_train_examples", "1000", "--max_test_examples", str(TEST_EXAMPLES)], standalone_mode=False)
    return folder


def run(names: list[str]) -> None:
    """Train, score and write down every task that is here."""
    found: dict[str, Any] = {}
    for name in names or TASKS:
        task = TASKS[name]
        if not {"UEGR_DATA", "package"} & {*sources(name, task)}:
            print(f"{name}: on the hub only, left out", flush=True)
            continue
        start = time.perf_counter()
        print(f"--- {name}", flush=True)
        if len(load_task(name).train):
            folder = train_two_steps(name)
            metric, value, examples = validation_metric(folder)
            found[name] = {"metric": metric, "value": value, "examples": examples, "split": "validation"}
        else:
            stand_in = str(task.stand_in)
            folder = RUNS / stand_in
            if not (folder / "model.safetensors").exists():
                train_two_steps(stand_in)
            quick = ["--attack_examples", "20", "--epsilons", "0,0.05", "--steps", "1", "--restarts", "1"]
            on = ["--on", name, "--on_examples", str(TEST_EXAMPLES)]
            app(["evaluate", str(folder), *on, *quick], standalone_mode=False)
            entry = next(one for one in read_results(folder)[0].transfer if one["task"] == name)
            metric, value = entry["metric"], entry["metrics"][entry["metric"]]
            found[name] = {"metric": metric, "value": value, "examples": entry["test_examples"], "split": "test"}
            found[name]["trained_on"] = stand_in
        found[name] |= {"model": Path(open_run(folder).run["config"]["model"]).name, "from": sources(name, task)[0]}
        found[name]["seconds"] = round(time.perf_counter() - start, 1)
        print(f"{name}: {METRICS[metric].title} {show(metric, value)}", flush=True)
    if not names:
        write_json(RESULT, {"max_steps": 2, "tasks": found})
    print(f"{len(found)} tasks trained and scored")


def table() -> str:
    """Every task of the registry as Markdown."""
    done = json.loads(RESULT.read_text())["tasks"]
    lines = [
        "| task | rows: train / validation / test | metric | two steps | source | licence | cite |",
        "|---" * 7 + "|",
    ]
    for name, task in TASKS.items():
        rows = " / ".join(
            f"{task.rows[split]:,}" if split in task.rows else "–" for split in ("train", "validation", "test")
        )
        if task.local_rows is not None and dict(task.local_rows) != dict(task.rows):
            rows += " (here " + ", ".join(f"{split} {count:,}" for split, count in task.local_rows.items()) + ")"
        outcome = "not here" if name not in done else show(done[name]["metric"], done[name]["value"])
        if name in done and "trained_on" in done[name]:
            outcome += f" (by {done[name]['trained_on']})"
        hub = f"; hub `{' '.join(filter(None, (task.hub.path, task.hub.configuration)))}`" if task.hub else ""
        titles = ", ".join(METRICS[one].title.removesuffix(" %") for one in task.metrics)
        lines.append(
            f"| `{name}` | {rows} | {titles} | {outcome} | {task.source}{hub} | {task.licence} | {task.cite} |"
        )
    return "\n".join(lines)


def notes() -> str:
    """What one should know about single tasks."""
    return "\n".join(f"- `{name}`: {task.note}." for name, task in TASKS.items() if task.note)


def memory() -> str:
    """The measurement of `benchmarks.large_file`."""
    measured = json.loads(Path("results/large_file.json").read_text())
    lines = ["| run | until the first step | of the processor | anonymous memory | resident |", "|---" * 5 + "|"]
    names = {
        "small": f"{measured['small_rows']:,} rows, for comparison",
        "first": f"{measured['rows']:,} rows, first time",
        "again": f"{measured['rows']:,} rows, again",
    }
    for key, name in names.items():
        one = measured["runs"][key]
        times = [f"{one[kind]:.0f} s" for kind in ("seconds", "cpu_seconds")]
        memories = [f"{one[kind]:,.0f} MB" for kind in ("anonymous_mb", "resident_mb")]
        lines.append("| " + " | ".join([name, *times, *memories]) + " |")
    text = f"The file has {measured['file_mb']:.0f} MB; rows and tokens take {measured['cache_mb']:.0f} MB on disk."
    return "\n".join([*lines, "", text])


def write_page() -> None:
    """Put the tables between their marks."""
    for mark, content in (("tasks", table()), ("notes", notes()), ("memory", memory())):
        replace_block(PAGE, mark, content)


def main() -> None:
    """Entry point."""
    command, *names = sys.argv[1:] or ["table"]
    silence_libraries()
    if command == "run":
        run(names)
    else:
        write_page()


if __name__ == "__main__":
    main()
