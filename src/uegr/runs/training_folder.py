"""The run folder of a training: made ready before it, and finished after it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uegr.atomic_files import write_json
from uegr.data.file_digests import check_unchanged, digest_of_folder, digests_of
from uegr.errors import UsageError
from uegr.locked_files import REMOVED, remove_finished, remove_folder, replace_file
from uegr.modeling.model_loading import folder_of_model
from uegr.runs.folder_lock import content_of, only_change
from uegr.runs.hardening_texts import write_hardening_texts
from uegr.runs.run_folder import HARDENING, RUN, SCHEMA, TRAINING_LOG, read_run
from uegr.runs.sentence_modules import copy_sentence_modules

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from uegr.data.overlap import Hashes
    from uegr.methods.method_config import MethodConfig
    from uegr.training.training_options import Precision

MARKS_OF_MODEL = (RUN, HARDENING, "config.json", "*.safetensors", "*.bin", "*.gguf")
"""Files by which a folder of a model or of a run is recognised."""
CHECKPOINTS = "checkpoint-*"
STAGING = ".partial"
"""The model is written into this folder and then moved into place."""


def check_no_file(folder: Path) -> None:
    """Raise a UsageError if the path is a file."""
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
    model: str = "",
    file: str = RUN,
) -> str | None:
    """Make the folder ready for a run with this configuration.

    Args:
        folder: the run folder.
        config: the configuration of the run, as JSON can hold it.
        resume: continue the run in the folder, also with `overwrite`: the command that was interrupted had it.
        overwrite: remove the run in the folder.
        precision: of the training, kept for `begun_precision`.
        data_files: the user's files that the run trains on.
        model: the folder of the model that it starts from; a name of a model is not recorded.
        file: RUN or HARDENING.

    Returns:
        The checkpoint to resume from, or None to begin at the start. A run whose run.json says that it is finished has
        no further step to make.

    Raises:
        UsageError: the folder holds something else, a finished run, an unfinished run that cannot be resumed, or what
            the run reads, which `overwrite` would remove.
    """
    check_no_file(folder)
    overwrite = overwrite and not resume
    if folder.exists() and not (folder / file).exists():
        if any(path for pattern in MARKS_OF_MODEL for path in folder.glob(pattern)):
            raise UsageError(f"'{folder}' holds another model or run: choose another --output_dir.")
        if overwrite and content_of(folder):
            raise UsageError(f"'{folder}' is not empty and holds no run of uegr: choose another --output_dir.")
    if overwrite and folder.exists():
        check_keeps(folder, [*data_files, model])
        with only_change(folder):  # a command that measures the run reads run.json and then writes results.json
            for path in sorted(content_of(folder), key=lambda path: path.name == file):  # the mark of a run goes last
                remove_folder(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if (folder / file).exists():
        from uegr.training.checkpoints import last_complete_checkpoint

        former = read_run(folder, file)
        _check_resumable(folder, former, config, resume)
        if former.get("finished"):
            remove_checkpoints(folder)
        return last_complete_checkpoint(folder)
    folder.mkdir(parents=True, exist_ok=True)
    begun = {"schema": SCHEMA, "finished": False, "config": config, "precision": precision}
    model_folder = folder_of_model(model)
    model_digest = {} if model_folder is None else {model: digest_of_folder(model_folder)}
    write_json(folder / file, {**begun, "files": digests_of(data_files), "model_folder": model_digest})
    return None


def changed_settings(run: dict[str, Any], config: dict[str, Any]) -> list[str]:
    """Return the names of the settings in which a configuration differs from the one in a run.json."""
    as_read = json.loads(json.dumps(config))  # tuples become lists
    return [name for name, value in as_read.items() if run["config"].get(name) != value]


def adopt_paths(folder: Path, config: dict[str, Any]) -> None:
    """Write this configuration into the run.json of a folder, whose files and model may now be in other places.

    Args:
        folder: the folder of a run, finished or not.
        config: a configuration that differs from that of the run only in where the same files and model are.
    """
    run = read_run(folder)
    if not changed_settings(run, config):
        return
    former = {**run["config"].get("data", {}), "model": run["config"].get("model")}
    present = {**config["data"], "model": config["model"]}
    paths = {path: present[name] for name, path in former.items() if isinstance(path, str) and present.get(name)}
    digests = {
        name: {paths.get(path, path): digest for path, digest in recorded.items()}
        for name, recorded in _digests_in(run).items()
    }
    write_json(folder / RUN, {**run, "config": config, **digests})


def check_keeps(folder: Path, inputs: Sequence[str]) -> None:
    """Raise a UsageError if a folder that is to be emptied holds an input of the run."""
    for path in filter(None, inputs):
        if os.path.exists(path) and Path(path).resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"'{path}' is in '{folder}', which --overwrite empties: move it, or choose another --output_dir."
            )


def _check_resumable(folder: Path, former: dict[str, Any], config: dict[str, Any], resume: bool) -> None:
    """Raise a UsageError unless the run in the folder is to be resumed, lacks something, and has this configuration."""
    if former.get("finished") and not (resume and _leftovers(folder)):
        overwriting = "give --overwrite without --resume" if resume else "add --overwrite"
        raise UsageError(f"'{folder}' holds a finished run: choose another --output_dir, or {overwriting}.")
    if not resume:
        raise UsageError(
            f"'{folder}' holds an unfinished run: continue it with --resume, or start over with --overwrite."
        )
    if changed := changed_settings(former, config):
        raise UsageError(
            f"'{folder}' was started with another {', '.join(changed)}: resume with the same options, or start "
            "over with --overwrite."
        )
    for recorded in _digests_in(former).values():
        check_unchanged(recorded, "restore it, or start over with --overwrite")


def begun_precision(folder: Path, asked: Precision, file: str = RUN) -> Precision:
    """Return the precision in which the run in the folder was begun, or `asked` where there is no such run.

    "auto" decides by a measurement, which may come out otherwise when the run is resumed.
    """
    return read_run(folder, file).get("precision", asked) if (folder / file).is_file() else asked


def finish_run(
    folder: Path,
    run: dict[str, Any],
    log: list[dict[str, Any]],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    method_config: MethodConfig | None = None,
    *,
    file: str = RUN,
    modules_of: Path | None = None,
    hardening_texts: Hashes | None = None,
) -> None:
    """Move the trained model into the folder, and mark the run as finished.

    Its checkpoints stay until `remove_checkpoints`: they say that the end of the run is still missing.

    Args:
        folder: the run folder, made by `prepare_run`.
        run: the content of run.json without "files", "model_folder", "finished" and "schema".
        log: the entries of the training log.
        model, tokenizer: saved in Hugging Face's format.
        method_config: saved beside the model.
        file: RUN or HARDENING.
        modules_of: folder whose modules of sentence-transformers are copied beside the model.
        hardening_texts: hashes of the texts that the model was hardened on.
    """
    staging = folder / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    if method_config is not None:
        method_config.save_pretrained(staging)
    if modules_of is not None:
        copy_sentence_modules(modules_of, staging)
    write_hardening_texts(staging, hardening_texts)
    for path in staging.iterdir():
        if path.is_dir() and (folder / path.name).is_dir():  # of an attempt that was killed here
            remove_folder(folder / path.name)
        replace_file(path, folder / path.name)
    staging.rmdir()
    write_json(folder / TRAINING_LOG, log)
    write_finished(folder, run, file)


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a finished run, once all else is written."""
    for path in _leftovers(folder):
        remove_finished(path)


def is_whole(folder: Path) -> bool:
    """Whether a folder holds a finished run of which nothing is missing; if something is, `--resume` adds it."""
    return bool(read_run(folder).get("finished")) and not _leftovers(folder)


def _leftovers(folder: Path) -> list[Path]:
    """The checkpoints in a folder, and what is left of those whose removal was interrupted."""
    return [path for pattern in (CHECKPOINTS, f"{REMOVED}*") for path in folder.glob(pattern)]


def write_finished(folder: Path, run: dict[str, Any], file: str = RUN) -> None:
    """Write the run.json of a finished run; for the arguments see `finish_run`."""
    digests = _digests_in(read_run(folder, file))
    write_json(folder / file, {"schema": SCHEMA, "finished": True, **run, **digests})


def _digests_in(run: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The digests in a run.json; those of earlier versions lack some."""
    return {name: run.get(name, {}) for name in ("files", "model_folder")}
