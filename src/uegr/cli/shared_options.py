"""Options that several commands have: name, type and help are written once, here."""

from dataclasses import fields
from typing import Annotated

from uegr.cli.app import option
from uegr.training.run_config import RunConfig

SplitOption = Annotated[str, option("--split", "test or validation.")]
TextColumnOption = Annotated[str | None, option("--text_column", "Column of the text. Default: the run's.")]
TextPairColumnOption = Annotated[str | None, option("--text_pair_column", "Column of the second text.")]
MaxLengthOption = Annotated[
    int | None, option("--max_length", "Truncate texts to N tokens. Default: as trained, or 512.")
]
_OF_TRAINING = {entry.name: entry for entry in fields(RunConfig)}
NormalizeOption = Annotated[
    str, option("--normalize", _OF_TRAINING["normalize"].metadata["help"] + " The folder is not changed.")
]
BatchSizeOption = Annotated[int, option("--batch_size", "Texts that the model reads at once.", min=1)]
TrustOption = Annotated[bool, option("--trust_remote_code", "Run the Python code that comes with the model.")]
JobsOption = Annotated[int | None, option("--jobs", "Number of runs at once, one process each, of one thread.")]
EngineOption = Annotated[str, option("--engine", "Where the runs are executed: local, or ray (a Ray cluster).")]
