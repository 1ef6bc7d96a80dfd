"""uegr harden."""

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from uegr.cli.app import app, option
from uegr.cli.config_options import config_options, values_of
from uegr.cli.terminal import console, progress
from uegr.training.hardening_config import HardeningConfig
from uegr.training.training_options import TrainingOptions

PANELS = {
    "Texts": ("texts", "text_column", "held_out", "drop_overlap", "max_texts", "max_length", "edits"),
    "Training": tuple(entry.name for entry in fields(TrainingOptions)),
}
"""Panels of the help and the options in them."""


@app.command()
@config_options(HardeningConfig, flags={}, panels=PANELS)
def harden(
    model: Annotated[str, typer.Argument(help="The embedded default all-MiniLM-L6-v2, a folder or a hub name.")],
    output_dir: Annotated[Path, option("--output_dir", "Folder of the hardened model.")],
    resume: Annotated[bool, option("--resume", "Continue an interrupted stage from its last checkpoint.")] = False,
    overwrite: Annotated[
        bool, option("--overwrite", "Replace the hardened model in --output_dir; with --resume, continue it.")
    ] = False,
    **values: Any,
) -> None:
    """Teach a model, without labels, to read misspelt words; then fine-tune the folder with uegr train."""
    from uegr.runs.harden import describe_hardening, harden_model

    config = HardeningConfig(model=model, **values_of(HardeningConfig, values))
    with progress() as on_progress:
        record = harden_model(
            config,
            output_dir,
            resume=resume,
            overwrite=overwrite,
            on_step=partial(on_progress, "hardening", unit="steps"),
        )
    for line in describe_hardening(record):
        console.print(line, highlight=False, soft_wrap=True)
    command = f"uegr train --model_name_or_path {output_dir}"
    console.print(f"Model in {output_dir}; fine-tune it with: {command}", highlight=False, soft_wrap=True)
