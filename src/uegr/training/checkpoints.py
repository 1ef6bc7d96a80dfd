"""Checkpoints that are never taken for whole when they are not.

The Trainer writes a checkpoint's files one after another and `trainer_state.json` last, so a checkpoint is complete
once that file is there and can be read. A training that was killed while it wrote resumes from the one before.
"""

import json
import re
import shutil
from pathlib import Path

from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR


def checkpoint_folder(output_dir: Path, step: int) -> Path:
    """Where the Trainer writes the checkpoint of a step."""
    return output_dir / f"{PREFIX_CHECKPOINT_DIR}-{step}"


def mark_incomplete(folder: Path) -> None:
    """Before a checkpoint is written again: until that is done it does not count."""
    (folder / TRAINER_STATE_NAME).unlink(missing_ok=True)


def is_complete(folder: Path) -> bool:
    """Whether all files of a checkpoint are there."""
    try:
        json.loads((folder / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return False
    return True


def last_complete_checkpoint(output_dir: Path) -> str | None:
    """The complete checkpoint of the highest step, or None; incomplete ones are removed."""
    by_step = {
        int(match[1]): folder
        for folder in output_dir.glob(f"{PREFIX_CHECKPOINT_DIR}-*")
        if (match := re.fullmatch(rf"{PREFIX_CHECKPOINT_DIR}-(\d+)", folder.name))
    }
    for folder in [folder for folder in by_step.values() if not is_complete(folder)]:
        shutil.rmtree(folder)
    complete = [step for step, folder in by_step.items() if folder.is_dir()]
    return str(by_step[max(complete)]) if complete else None
