"""Tell complete checkpoints from incomplete ones, and remove them safely.

The Trainer writes a checkpoint's files one after another and `trainer_state.json` last, so a checkpoint is complete
once that file is there and all others can be read. A checkpoint that is to be deleted is first moved aside under
another name, in one step. A training that was killed while it wrote or deleted resumes from the last complete one.
"""

import json
import logging
import re
import zipfile
from pathlib import Path

from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from uegr.errors import UsageError
from uegr.locked_files import finish_removals, remove_finished
from uegr.modeling.model_folder import check_json_files, read_safetensors

TORCH_FILES = ("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state*.pth", "method_state_*.pt")
STATE = {"optimizer.pt": "optimizer*", "scheduler.pt": "scheduler.pt", "rng_state.pth": "rng_state*.pth"}
"""File of the state of a training -> a pattern that its names match; sharded trainings use different names. The Trainer
continues without a missing file, with different numbers; a checkpoint has all of these files, or none with
`save_only_model`."""
logger = logging.getLogger("uegr")


def checkpoint_folder(output_dir: Path, step: int) -> Path:
    """Where the Trainer writes the checkpoint of a step."""
    return output_dir / f"{PREFIX_CHECKPOINT_DIR}-{step}"


def mark_incomplete(folder: Path) -> None:
    """Mark a checkpoint as incomplete, before it is written again."""
    (folder / TRAINER_STATE_NAME).unlink(missing_ok=True)


def rotate(output_dir: Path, limit: int | None, *, newest: Path, best: str | None) -> None:
    """Remove the oldest checkpoints above the limit; the newest and the best always stay.

    The age is that of the folder: a checkpoint of an earlier training in this folder may have a higher step.
    """
    if limit is None or limit <= 0:
        return
    folders = [folder for _, folder in sorted(_by_step(output_dir).items())]
    always = {newest.resolve()} | ({Path(best).resolve()} if best is not None else set())
    kept = [folder for folder in folders if folder.resolve() in always]
    removable = sorted((folder for folder in folders if folder not in kept), key=lambda folder: folder.stat().st_mtime)
    for folder in removable[: max(0, len(folders) - max(limit, len(kept)))]:
        remove_finished(folder)


def fault_of(folder: Path) -> str | None:
    """Why a checkpoint is not whole, in words; None if it is."""
    state = folder / TRAINER_STATE_NAME
    try:
        if not isinstance(json.loads(state.read_text(encoding="utf-8")), dict):
            return f"'{state}' holds no object"
    except (OSError, ValueError, RecursionError):
        return f"'{state}' is missing or cut off"
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin"), *folder.glob("*model_fsdp*")]
    if not any(file.name != "training_args.bin" for file in weights):
        return f"'{folder}' holds no weights"
    try:
        check_json_files(folder)
        for file in folder.glob("*.safetensors"):
            read_safetensors(file)
    except UsageError as error:
        return str(error)
    torch_files = (file for pattern in TORCH_FILES for file in folder.glob(pattern))
    if (damaged := next((file for file in torch_files if not zipfile.is_zipfile(file)), None)) is not None:
        return f"'{damaged}' is damaged or cut off"
    missing = [name for name, pattern in STATE.items() if not any(folder.glob(pattern))]
    is_part = 0 < len(missing) < len(STATE) and not any(folder.glob("global_step*"))  # DeepSpeed has its own state
    return f"'{folder}' holds no {missing[0]}" if is_part else None


def is_complete(folder: Path) -> bool:
    """Whether all files of a checkpoint are there and can be read."""
    return fault_of(folder) is None


def check_complete(folder: Path) -> None:
    """Refuse a checkpoint that is not whole.

    Raises:
        UsageError: it names the file, and the last checkpoint that is whole.
    """
    if (fault := fault_of(folder)) is not None:
        whole = [step for step, other in _by_step(folder.parent).items() if is_complete(other)]
        hint = f"resume from {PREFIX_CHECKPOINT_DIR}-{max(whole)}" if whole else "start over"
        raise UsageError(f"{fault.removesuffix('.')}; {hint}.")


def last_complete_checkpoint(output_dir: Path) -> str | None:
    """The whole checkpoint of the highest step, or None; others are named in the log, and unfinished ones removed."""
    finish_removals(output_dir)
    for _, folder in sorted(_by_step(output_dir).items(), reverse=True):
        fault = fault_of(folder)
        if fault is None:
            return str(folder)
        logger.warning("%s is skipped: %s", folder.name, fault)
        if not (folder / TRAINER_STATE_NAME).exists():
            remove_finished(folder)
    return None


def _by_step(output_dir: Path) -> dict[int, Path]:
    matches = {folder: re.fullmatch(rf"{PREFIX_CHECKPOINT_DIR}-(\d+)", folder.name) for folder in output_dir.glob("*")}
    return {int(match[1]): folder for folder, match in matches.items() if match is not None and folder.is_dir()}
