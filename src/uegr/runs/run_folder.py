"""The folder of one run: the names of its files, and what its run.json or hardening.json says.

run.json              the configuration, and after training "finished": true and the cost
model.safetensors     the trained model in Hugging Face's format, with config and tokenizer
hardening.json        instead of run.json, in the folder of a model from `uegr harden`
hardening_texts.npy   if the model was hardened: hashes of the texts; see `uegr.runs.hardening_texts`
method_config.json    the method and its options
training_log.json     the loss and its terms over the steps
attacked_texts.json   every text that `uegr attack` attacked; see `uegr.runs.attacked_texts`
results.json          what was measured: a list of `RunResult`
README.md             the model card
checkpoint-N/         during training, or after an interruption
.removed-*            what is left of a removal that was interrupted
.lock, .results.lock  empty; see `uegr.runs.folder_lock`

A file is complete or absent: it is written under another name and then moved.
"""

from pathlib import Path
from typing import Any

from uegr.atomic_files import read_json
from uegr.errors import UsageError
from uegr.runs.json_parts import MisfitError, read_value
from uegr.runs.run_file_shapes import HardeningFile, RunFile

RUN, RESULTS, TRAINING_LOG, CARD = "run.json", "results.json", "training_log.json", "README.md"
HARDENING = "hardening.json"
SCHEMA = 1
"""Version of run.json and results.json. A reader refuses a results.json with another one."""
SHAPES = {RUN: RunFile, HARDENING: HardeningFile}


def read_run(folder: Path, file: str = RUN) -> dict[str, Any]:
    """Return the content of the run.json of a folder, or of its hardening.json.

    Raises:
        UsageError: there is no such file, or it is damaged.
    """
    try:
        run: dict[str, Any] = read_json(folder / file, "train again with --overwrite", fault="is damaged")
    except FileNotFoundError:
        if (folder / "config.json").is_file():
            raise UsageError(
                f"'{folder}' holds a model and no run: make one with uegr train --model_name_or_path {folder}."
            ) from None
        raise UsageError(f"'{folder}' holds no run: make one with uegr train --output_dir {folder}.") from None
    except NotADirectoryError:
        raise UsageError(f"'{folder}' is a file: name the folder of a run.") from None
    if not isinstance(run, dict) or not isinstance(run.get("config"), dict):
        raise UsageError(f"'{folder / file}' is not a {file} of uegr: train again with --overwrite.")
    try:
        read_value(run, SHAPES[file], "")
    except MisfitError as error:
        raise UsageError(f"'{folder / file}' {error}: train again with --overwrite.") from error
    return run
