"""The demo: plain fine-tuning and UEGR on the same sentences and seed, evaluated side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from uegr.atomic_files import write_json
from uegr.data.data_source import DataSource
from uegr.report.figures.catalogue import draw
from uegr.report.figures.render import save_figures
from uegr.report.page import write_page
from uegr.runs.evaluate import measure
from uegr.runs.run_result import document
from uegr.runs.train import RunConfig, train
from uegr.runs.training_log import with_log

METHODS = ("plain", "uegr")
TRAIN_EXAMPLES, TEST_EXAMPLES, ATTACKED = 1200, 1000, 200
OnProgress = Callable[[str, int, int], None]


def run_demo(folder: Path, seed: int = 0, on_progress: OnProgress = lambda what, done, total: None) -> list[Any]:
    """Train and evaluate both methods; write results.json, report.html and its figures (robustness.png) into `folder`.

    Args:
        folder: gets one run folder a method, too; what a former demo left there is replaced.
        seed: of both runs.
        on_progress: told what is being done, how far, of how much.

    Returns:
        The two entries of results.json.
    """
    entries = []
    for method in METHODS:
        config = RunConfig(
            data=DataSource(task="rotten_tomatoes", max_train_examples=TRAIN_EXAMPLES, max_test_examples=TEST_EXAMPLES),
            method=method,
            seed=seed,
        )
        run = folder / method

        def tell(what: str, name: str = method) -> Callable[[int, int], None]:
            return lambda done, total: on_progress(f"{what} {name}", done, total)

        train(config, run, overwrite=True, on_step=tell("training"))
        entries.append(measure(run, attack_examples=ATTACKED, on_examples=tell("attacking")))
    write_json(folder / "results.json", document(entries))
    runs = [with_log(entry, folder / method) for method, entry in zip(METHODS, entries, strict=True)]
    sections = draw(runs)
    write_page(runs, sections, folder / "report.html")
    save_figures([chart for charts in sections.values() for chart in charts], folder)
    return entries
