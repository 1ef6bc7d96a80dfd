"""Write and read results.json; a reader may ask for the training log and the attacked texts beside it, too."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from uegr.atomic_files import read_json, write_json
from uegr.errors import UsageError
from uegr.runs.attacked_texts import with_attacked_texts
from uegr.runs.run_folder import RESULTS, RUN, SCHEMA, TRAINING_LOG, read_run
from uegr.runs.run_result import RunResult

NAMED = ("method", "options", "model", "seed", "data")
NAMED_DATA = ("task", "train_file", "validation_file", "test_file", "max_train_examples", "max_test_examples")
"""Parts of a run's configuration, and of its "data", that its results hold themselves or by their digests."""


def document(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the content of a results.json with these entries; see `RunResult.to_dict`."""
    return {"schema": SCHEMA, "runs": list(entries)}


def write_results(folder: Path, results: Sequence[RunResult]) -> None:
    """Write the results.json of a folder."""
    write_json(folder / RESULTS, document([result.to_dict() for result in results]))


def read_results(path: Path) -> list[RunResult]:
    """Return the runs of a results.json, or of the results.json in a folder.

    Raises:
        UsageError: there is no such file, or it is damaged.
    """
    file = path / RESULTS if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"there is no '{file}': measure the run first with uegr evaluate {path}.")
    content = read_json(file, "measure again with uegr evaluate")
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not isinstance(content.get("runs"), list):
        raise UsageError(f"'{file}' is not a results.json of schema {SCHEMA}: measure again with uegr evaluate.")
    if not content["runs"]:
        raise UsageError(f"'{file}' holds no run: measure again with uegr evaluate.")
    return [RunResult.from_dict(entry, file) for entry in content["runs"]]


def read_results_and_logs(paths: Sequence[Path]) -> list[RunResult]:
    """Return the runs of several folders or results.json files; those of folders have their training log, their
    settings and their attacked texts. A folder that is named twice is read once."""
    unique = dict.fromkeys(path.resolve() for path in paths)
    results = [(result, path) for path in unique for result in read_results(path)]
    return [with_attacked_texts(with_settings(with_training_log(result, path), path), path) for result, path in results]


def with_settings(result: RunResult, folder: Path) -> RunResult:
    """Return the result with the settings of its training, where the folder has a run.json."""
    if not (folder / RUN).is_file():
        return result
    run = read_run(folder)
    config = run.get("config", {})
    data = config.get("data", {})
    settings = {name: value for name, value in config.items() if name not in NAMED}
    settings |= {name: value for name, value in data.items() if name not in NAMED_DATA}
    for name, path, digests in (
        ("train_file", data.get("train_file"), run.get("files", {})),
        ("model_folder", config.get("model"), run.get("model_folder", {})),
    ):
        if path in digests:  # by content: files and folders of one name are told apart, and copies are the same
            settings[name] = digests[path][:6]
    return replace(result, settings=settings)


def with_training_log(result: RunResult, folder: Path) -> RunResult:
    """Return the result with the training log in the run's folder, where there is one."""
    file = folder / TRAINING_LOG
    if not file.is_file():
        return result
    fix = "remove it, or train again with --overwrite"
    log = read_json(file, fix, fault="is damaged")
    if not isinstance(log, list) or not all(isinstance(entry, dict) for entry in log):
        raise UsageError(f"'{file}' is damaged (not a list of objects): {fix}.")
    return replace(result, log=log)
