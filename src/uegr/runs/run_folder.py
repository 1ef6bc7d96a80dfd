"""The folder of one run: what lies where, written so that nothing is ever half there.

run.json              the configuration, and after training "finished": true and the cost
model.safetensors     the trained model in Hugging Face's format, with config and tokenizer
training_log.json     loss and its terms over the steps
checkpoint-N/         while training, or after an interruption
results.json          written by `uegr evaluate`
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from uegr.atomic_files import write_json
from uegr.errors import UsageError
from uegr.training.checkpoints import last_complete_checkpoint

RUN, LOG, RESULTS = "run.json", "training_log.json", "results.json"
STAGING = ".partial"
"""Checkpoints and models are written into this folder and then moved into place: none is ever half there."""


def read_run(folder: Path) -> dict[str, Any]:
    """The run.json of a folder.

    Raises:
        UsageError: the folder holds no run, or one that cannot be read.
    """
    try:
        run: dict[str, Any] = json.loads((folder / RUN).read_text())
    except FileNotFoundError:
        raise UsageError(f"'{folder}' holds no run: make one with uegr train --output_dir {folder}.") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"'{folder / RUN}' is damaged ({error}): train again with --overwrite.") from error
    return run


def prepare(folder: Path, config: dict[str, Any], *, resume: bool, overwrite: bool) -> str | None:
    """Make the folder ready for a run with this configuration.

    Returns:
        The checkpoint to go on from, or None to begin at the start.

    Raises:
        UsageError: the folder holds a finished run, an unfinished one that nobody asked to resume, or one
            with another configuration.
    """
    if overwrite and folder.exists():
        if not (folder / RUN).exists() and any(folder.iterdir()):
            raise UsageError(f"'{folder}' is not empty and holds no run of uegr: choose another --output_dir.")
        shutil.rmtree(folder)
    if (folder / RUN).exists():
        former = read_run(folder)
        if former.get("finished"):
            raise UsageError(f"'{folder}' holds a finished run: choose another --output_dir, or add --overwrite.")
        if not resume:
            raise UsageError(
                f"'{folder}' holds an unfinished run: go on with --resume, or start over with --overwrite."
            )
        changed = [key for key, value in config.items() if former["config"].get(key) != json.loads(json.dumps(value))]
        if changed:
            raise UsageError(
                f"'{folder}' was started with another {', '.join(changed)}: resume with the same options, or start "
                "over with --overwrite."
            )
        return last_complete_checkpoint(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RUN, {"schema": 1, "finished": False, "config": config})
    return None


def finish(
    folder: Path,
    run: dict[str, Any],
    log: list[dict[str, Any]],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Put the trained model into the folder, mark the run finished, and only then drop its checkpoints."""
    staging = folder / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    for path in staging.iterdir():
        os.replace(path, folder / path.name)
    staging.rmdir()
    write_json(folder / LOG, log)
    write_json(folder / RUN, {"schema": 1, "finished": True, **run})
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
