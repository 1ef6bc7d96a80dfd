"""The demo: plain fine-tuning and UEGR on the same sentences and seed, evaluated side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from uegr.data.data_source import DataSource
from uegr.report.figures.catalogue import draw
from uegr.report.figures.render import save_figures
from uegr.report.page import write_page
from uegr.runs.evaluate import evaluate_run
from uegr.runs.run_folder import with_training_log, write_results
from uegr.runs.run_result import RunResult
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig

METHODS = ("plain", "uegr")
TRAIN_EXAMPLES, TEST_EXAMPLES, ATTACKED = 1200, 1000, 200
OnProgress = Callable[[str, int, int], None]


def run_demo(folder: Path, seed: int = 0, on_progress: OnProgress = lambda what, done, total: None) -> list[RunResult]:
    """Train and evaluate both methods; write results.json, report.html and its figures (robustness.png) into `folder`.

    Args:
        folder: gets one run folder a method, too; what a former demo left there is replaced.
        seed: of both runs.
        on_progress: told what is being done, how far, of how much.

    Returns:
        The two entries of results.json.
    """
    results = []
    for method in METHODS:
        config = RunConfig(
            data=DataSource(task="rotten_tomatoes", max_train_examples=TRAIN_EXAMPLES, max_test_examples=TEST_EXAMPLES),
            method=method,
            seed=seed,
        )
        run = folder / method

        def tell(what: str, name: str = method) -> Callable[[int, int], None]:
            return lambda done, total: on_progress(f"{what} {name}", done, total)

        train_run(config, run, overwrite=True, on_step=tell("training"))
        results.append(evaluate_run(run, attack_examples=ATTACKED, on_examples=tell("attacking")))
    write_results(folder, results)
    logged = [with_training_log(result, folder / result.method) for result in results]
    sections = draw(logged)
    write_page(logged, sections, folder / "report.html")
    save_figures([chart for charts in sections.values() for chart in charts], folder)
    return results
