"""The folder of one run: the names of its files, and how each is written and read.

run.json              the configuration, and after training "finished": true and the cost
model.safetensors     the trained model in Hugging Face's format, with config and tokenizer
hardening.json        instead of run.json, in the folder of a model from `uegr harden`
method_config.json    the method and its options
training_log.json     the loss and its terms over the steps
attacked_texts.json   every text that `uegr attack` attacked; see `uegr.runs.attacked_texts`
results.json          what was measured: a list of `RunResult`
README.md             the model card
checkpoint-N/         during training, or after an interruption

A file is complete or absent: it is written under another name and then moved.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uegr.atomic_files import write_json
from uegr.data.file_digests import check_unchanged, digests_of
from uegr.errors import UsageError
from uegr.locked_files import remove_finished, remove_folder, replace_file
from uegr.runs.attacked_texts import with_attacked_texts
from uegr.runs.folder_lock import content_of
from uegr.runs.json_parts import MisfitError, read_value
from uegr.runs.run_file_shapes import HardeningFile, RunFile
from uegr.runs.run_result import RunResult

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from uegr.methods.method_config import MethodConfig
    from uegr.training.run_config import Precision

RUN, RESULTS, TRAINING_LOG, CARD = "run.json", "results.json", "training_log.json", "README.md"
HARDENING = "hardening.json"
MODEL_FILES = (RUN, HARDENING, "config.json", "*.safetensors", "*.bin", "*.gguf")
"""Files by which a folder of a model or of a run is recognised."""
CHECKPOINTS = "checkpoint-*"
STAGING = ".partial"
"""Checkpoints and models are written into this folder and then moved into place."""
SCHEMA = 1
"""Version of run.json and results.json. A reader refuses a results.json with another one."""
SHAPES = {RUN: RunFile, HARDENING: HardeningFile}


def read_run(folder: Path, file: str = RUN) -> dict[str, Any]:
    """Return the content of the run.json of a folder, or of its hardening.json.

    Raises:
        UsageError: there is no such file, or it is damaged.
    """
    try:
        run: dict[str, Any] = json.loads((folder / file).read_text())
    except FileNotFoundError:
        raise UsageError(f"'{folder}' holds no run: make one with uegr train --output_dir {folder}.") from None
    except NotADirectoryError:
        raise UsageError(f"'{folder}' is a file: name the folder of a run.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"'{folder / file}' is damaged ({error}): train again with --overwrite.") from error
    if not isinstance(run, dict) or not isinstance(run.get("config"), dict):
        raise UsageError(f"'{folder / file}' is not a {file} of uegr: train again with --overwrite.")
    try:
        read_value(run, SHAPES[file], "")
    except MisfitError as error:
        raise UsageError(f"'{folder / file}' {error}: train again with --overwrite.") from error
    return run


def check_no_file(folder: Path) -> None:
    """Raise a UsageError if the path is that of a file."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file: choose another --output_dir.")


@contextmanager
def no_folder_left(folder: Path) -> Iterator[None]:
    """Remove the folder after an error if it is new and empty: a Trainer makes it before its arguments are checked."""
    is_new = not folder.exists()
    try:
        yield
    except Exception:
        if is_new and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise


def prepare_run(
    folder: Path,
    config: dict[str, Any],
    *,
    resume: bool,
    overwrite: bool,
    precision: str,
    data_files: Sequence[str] = (),
    file: str = RUN,
) -> str | None:
    """Make the folder ready for a run with this configuration.

    Args:
        folder: the run folder.
        config: the configuration of the run, as JSON can hold it.
        resume: continue the run in the folder.
        overwrite: remove the run in the folder.
        precision: number format of the training, kept for `begun_precision`.
        data_files: the user's files that the run trains on.
        file: RUN or HARDENING.

    Returns:
        The checkpoint to resume from, or None to begin at the start.

    Raises:
        UsageError: the folder holds something else, a finished run, or an unfinished run that cannot be resumed.
    """
    check_no_file(folder)
    if folder.exists() and not (folder / file).exists():
        if any(path for pattern in MODEL_FILES for path in folder.glob(pattern)):
            raise UsageError(f"'{folder}' holds another model or run: choose another --output_dir.")
        if overwrite and content_of(folder):
            raise UsageError(f"'{folder}' is not empty and holds no run of uegr: choose another --output_dir.")
    if overwrite and folder.exists():
        for path in sorted(content_of(folder), key=lambda path: path.name == file):  # the mark of a run goes last
            remove_folder(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if (folder / file).exists():
        from uegr.training.checkpoints import last_complete_checkpoint

        _check_resumable(folder, read_run(folder, file), config, resume)
        return last_complete_checkpoint(folder)
    folder.mkdir(parents=True, exist_ok=True)
    begun = {"schema": SCHEMA, "finished": False, "config": config, "precision": precision}
    write_json(folder / file, {**begun, "files": digests_of(data_files)})
    return None


def begun_precision(folder: Path, asked: Precision, file: str = RUN) -> Precision:
    """Return the number format in which the run in the folder was begun; what was asked for where there is none.

    "auto" decides by a measurement, which may come out otherwise when the run is resumed.
    """
    return read_run(folder, file).get("precision", asked) if (folder / file).is_file() else asked


def _check_resumable(folder: Path, former: dict[str, Any], config: dict[str, Any], resume: bool) -> None:
    """Raise a UsageError unless the run in the folder is to be resumed, is unfinished, and has this configuration."""
    if former.get("finished"):
        raise UsageError(f"'{folder}' holds a finished run: choose another --output_dir, or add --overwrite.")
    if not resume:
        raise UsageError(
            f"'{folder}' holds an unfinished run: continue it with --resume, or start over with --overwrite."
        )
    as_read = json.loads(json.dumps(config))  # tuples become lists
    changed = [name for name, value in as_read.items() if former["config"].get(name) != value]
    if changed:
        raise UsageError(
            f"'{folder}' was started with another {', '.join(changed)}: resume with the same options, or start "
            "over with --overwrite."
        )
    check_unchanged(former.get("files", {}), "restore it, or start over with --overwrite")


def finish_run(
    folder: Path,
    run: dict[str, Any],
    log: list[dict[str, Any]],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    method_config: MethodConfig | None = None,
    *,
    file: str = RUN,
) -> None:
    """Move the trained model into the folder, mark the run as finished, and only then remove its checkpoints.

    Args:
        folder: the run folder, made by `prepare_run`.
        run: the content of run.json without "files", "finished" and "schema".
        log: the entries of the training log.
        model, tokenizer: saved in Hugging Face's format.
        method_config: saved beside the model.
        file: RUN or HARDENING.
    """
    staging = folder / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    if method_config is not None:
        method_config.save_pretrained(staging)
    for path in staging.iterdir():
        replace_file(path, folder / path.name)
    staging.rmdir()
    write_json(folder / TRAINING_LOG, log)
    write_finished(folder, run, file)
    for checkpoint in folder.glob(CHECKPOINTS):
        remove_finished(checkpoint)


def write_finished(folder: Path, run: dict[str, Any], file: str = RUN) -> None:
    """Write the run.json of a finished run; for the arguments see `finish_run`."""
    files = read_run(folder, file).get("files", {})
    write_json(folder / file, {"schema": SCHEMA, "finished": True, **run, "files": files})


def hardening_of(model: str) -> dict[str, Any]:
    """Return how the model was hardened, as {"hardening": ...} for run.json; empty if it was not."""
    if not (Path(model) / HARDENING).is_file():
        return {}
    record = read_run(Path(model), HARDENING)
    if not record.get("finished"):
        raise UsageError(f"'{model}' is not hardened yet: finish with uegr harden ... --output_dir {model} --resume.")
    if "edits" not in record["config"] or "cost" not in record:
        raise UsageError(f"'{Path(model, HARDENING)}' lacks config.edits or cost: harden again with --overwrite.")
    kept = {"edits": record["config"]["edits"], "texts": record["cost"]["texts"], "seconds": record["cost"]["seconds"]}
    return {"hardening": kept}


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
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"'{file}' is not valid JSON ({error}): measure again with uegr evaluate.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not isinstance(content.get("runs"), list):
        raise UsageError(f"'{file}' is not a results.json of schema {SCHEMA}: measure again with uegr evaluate.")
    if not content["runs"]:
        raise UsageError(f"'{file}' holds no run: measure again with uegr evaluate.")
    return [RunResult.from_dict(entry, file) for entry in content["runs"]]


def read_results_and_logs(paths: Sequence[Path]) -> list[RunResult]:
    """Return the runs of several folders or results.json files; those of folders have their training log and their
    attacked texts."""
    results = [(result, path) for path in paths for result in read_results(path)]
    return [with_attacked_texts(with_training_log(result, path), path) for result, path in results]


def with_training_log(result: RunResult, folder: Path) -> RunResult:
    """Return the result with the training log in the run's folder, where there is one."""
    file = folder / TRAINING_LOG
    if not file.is_file():
        return result
    try:
        log = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(log, list) or not all(isinstance(entry, dict) for entry in log):
            raise ValueError("not a list of objects")
        return replace(result, log=log)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"'{file}' is damaged ({error}): remove it, or train again with --overwrite.") from error
