"""Attacked examples per second: our DeepWordBug as published beside TextAttack's recipe, on the same model and texts.

    python -m benchmarks.textattack RUN [--examples 100]
    python -m benchmarks.textattack table

Both run with the same number of threads. UEGR_TEXTATTACK_PYTHON names TextAttack's own environment
(requirements/textattack.txt). Loading libraries and model is not counted on either side.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.document import replace_block
from uegr.evaluation.attacks.deepwordbug_published import PublishedDeepWordBug
from uegr.evaluation.attacks.text_attack import attack_texts
from uegr.evaluation.attacks.textattack.bridge import attack_with_recipe
from uegr.report.run_groups import wilson
from uegr.runs.finished_run import open_run
from uegr.training.processor import processor_name

RESULT = Path(__file__).parent / "results" / "textattack.json"
PAGE = Path(__file__).parents[1] / "docs" / "attacks.md"
RECIPE = "DeepWordBugGao2018"
FORMATS = ("float32", "bfloat16")
"""Of our passes; TextAttack's are in float32."""


def measure(folder: Path, examples: int) -> dict[str, Any]:
    """Both on the first examples of a run's test data, a fixed random choice."""
    run = open_run(folder)
    rows, single_row = run.rows("test", examples), run.rows("test", 1)
    sides: dict[str, Any] = {}
    for number_format in FORMATS:
        run.evaluated_model.bf16 = number_format == "bfloat16"
        start = time.perf_counter()
        outcomes = attack_texts(run.evaluated_model, rows, PublishedDeepWordBug())
        sides[number_format] = _side(outcomes, time.perf_counter() - start)
    start = time.perf_counter()
    attack_with_recipe(run.evaluated_model, folder, single_row, RECIPE)
    loading = time.perf_counter() - start  # libraries, model and one example
    start = time.perf_counter()
    outcomes = attack_with_recipe(run.evaluated_model, folder, rows, RECIPE)
    sides["textattack"] = _side(outcomes, time.perf_counter() - start - loading)
    file = run.record["config"]["data"]["train_file"]
    about = {
        "task": Path(file).parent.name if file else run.record["task"],
        "model": run.record["config"]["model"],
        "examples": len(rows),
    }
    return {**about, "threads": torch.get_num_threads(), "processor": processor_name(), **sides}


def _side(outcomes: list[Any], seconds: float) -> dict[str, float]:
    correct = [outcome for outcome in outcomes if outcome.correct]
    fooled = sum(outcome.after is not None for outcome in correct)
    return {
        "seconds": seconds,
        "per_second": len(outcomes) / seconds,
        "right": len(correct),
        "fooled": fooled,
        "queries": sum(outcome.queries for outcome in outcomes) / len(outcomes),
    }


def table() -> str:
    """The measurement as Markdown."""
    result = json.loads(RESULT.read_text())
    lines = ["| | attacked examples per second | success rate | 95 % interval | queries per example |"]
    lines.append("|---|---:|---:|---|---:|")
    for name, key in (*((f"uegr, {name}", name) for name in FORMATS), ("TextAttack 0.3.11, float32", "textattack")):
        side = result[key]
        rate = side["fooled"] / side["right"]
        low, high = wilson(rate, side["right"])
        interval = f"{100 * low:.1f} to {100 * high:.1f}"
        lines.append(f"| {name} | {side['per_second']:.2f} | {100 * rate:.1f} % | {interval} | {side['queries']:.1f} |")
    ratios = [result[name]["per_second"] / result["textattack"]["per_second"] for name in FORMATS]
    note = (
        f"{RECIPE} on {result['examples']} test texts of {result['task']}, {result['model']}, {result['threads']} "
        f"threads, {result['processor']}: {ratios[0]:.1f} times as many "
        f"examples per second, {ratios[1]:.1f} times in bfloat16."
    )
    return "\n".join([*lines, "", note])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("--examples", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.run == "table":
        replace_block(PAGE, "textattack", table())
    else:
        os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))
        RESULT.write_text(json.dumps(measure(Path(arguments.run), arguments.examples), indent=1) + "\n")
