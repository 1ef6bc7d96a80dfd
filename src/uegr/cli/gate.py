"""uegr gate."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from uegr.cli.app import app, option
from uegr.cli.option_values import parse_names
from uegr.cli.shared_options import (
    BatchSizeOption,
    MaxLengthOption,
    NormalizeOption,
    TextColumnOption,
    TextPairColumnOption,
    TrustOption,
)
from uegr.cli.terminal import console, progress
from uegr.errors import UsageError


@app.command()
def gate(
    model: Annotated[Path, typer.Argument(help="A run, or a folder of a Hugging Face classifier.")],
    policy: Annotated[Path, option("--policy", "Limits: a YAML file.")],
    file: Annotated[Path | None, option("--file", "Labelled texts. Default: the policy's.")] = None,
    output_dir: Annotated[Path, option("--output_dir", "Folder of gate.json and gate.xml.")] = Path("gate"),
    text_column: TextColumnOption = None,
    text_pair_column: TextPairColumnOption = None,
    max_length: MaxLengthOption = None,
    normalize: NormalizeOption = "",
    batch_size: BatchSizeOption = 64,
    trust_remote_code: TrustOption = False,
) -> None:
    """Test a model against a policy; exit code 1 if it fails. Works on any classifier and any labelled file."""
    from uegr.evaluation.data_slices import SMALLEST
    from uegr.runs.finished_run import check_writable
    from uegr.runs.gate import run_gate
    from uegr.runs.gate_policy import read_policy
    from uegr.runs.gate_result import WRITTEN
    from uegr.runs.open_classifier import open_model

    limits = read_policy(policy)
    classifier = open_model(
        model,
        text_column,
        text_pair_column,
        max_length,
        normalize=parse_names(normalize),
        batch_size=batch_size,
        trust_remote_code=trust_remote_code,
    )
    written = [(output_dir / name).resolve() for name in WRITTEN]
    for path in (policy, file, limits.path("file"), limits.path("harmless_file")):
        if path is not None and path.resolve() in written:
            raise UsageError(f"'{path}' would be replaced by the result: choose another --output_dir.")
    output_dir.mkdir(parents=True, exist_ok=True)  # the error should come before the measurement
    check_writable(output_dir)
    with progress() as on_progress:
        result = run_gate(classifier, limits, file=file, on_rows=partial(on_progress, unit="perturbations"))
    result.write(output_dir)
    table = Table("", "measure", "value", "limit", box=SIMPLE)
    for line in result.lines:
        table.add_row("pass" if line.passed else "FAIL", line.name, *line.texts(decimals=3))
    console.print(table)
    for note in result.notes():
        console.print(note, highlight=False)
    slices = [f"{part['slice']} {part['accuracy']:.1%} of {part['examples']}" for part in result.slices[:3]]
    weakest = ", ".join(slices) or f"no slice of {SMALLEST} examples"
    console.print(f"Weakest: {weakest}. Details, and texts that flip: {output_dir}/gate.json")
    if not result.passed:
        raise typer.Exit(1)
