"""uegr predict."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app, option
from uegr.cli.option_values import parse_names, refuse_unused
from uegr.cli.shared_options import (
    BatchSizeOption,
    MaxLengthOption,
    NormalizeOption,
    TextColumnOption,
    TextPairColumnOption,
    TrustOption,
)
from uegr.cli.terminal import console, progress


@app.command()
def predict(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A run, or a folder of a Hugging Face model.")],
    file: Annotated[Path, option("--file", "Texts: CSV, TSV, JSON or Parquet.")],
    output: Annotated[Path, option("--output", "Predictions: .csv or .jsonl.")],
    text_column: TextColumnOption = None,
    text_pair_column: TextPairColumnOption = None,
    abstain_below: Annotated[float, option("--abstain_below", "Leave the label empty below this confidence.")] = 0.0,
    calibrate_on: Annotated[
        Path | None, option("--calibrate_on", "Labelled file to calibrate on. Default: the run's validation data.")
    ] = None,
    label_column: Annotated[
        str | None, option("--label_column", "Column of the label in --calibrate_on. Default: the run's, or label.")
    ] = None,
    max_length: MaxLengthOption = None,
    normalize: NormalizeOption = "",
    batch_size: BatchSizeOption = 64,
    trust_remote_code: TrustOption = False,
) -> None:
    """Write the rows of a file with the model's predictions; the file may be larger than memory."""
    from uegr.runs.open_classifier import open_model
    from uegr.runs.predict import WITHOUT_TEXT, calibrated_temperature, check_files, own_temperature, predict_file
    from uegr.runs.predicted_columns import ABSTAINED, PREDICTED

    if calibrate_on is None:
        refuse_unused(context, ("label_column",), "name a labelled file with --calibrate_on")
    check_files(file, output, calibrate_on)
    classifier = open_model(
        model,
        text_column,
        text_pair_column,
        max_length,
        kinds=PREDICTED,
        normalize=parse_names(normalize),
        batch_size=batch_size,
        trust_remote_code=trust_remote_code,
    )
    kind = classifier.evaluated.kind
    has_confidence, has_labels = kind == "classification", kind != "regression"
    temperature = 1.0
    if calibrate_on is not None:
        temperature = calibrated_temperature(classifier, calibrate_on, label_column)
    elif classifier.run is not None and has_confidence:
        temperature = own_temperature(classifier, is_needed=abstain_below > 0)
    with progress() as on_progress:
        counts = predict_file(
            classifier,
            file,
            output,
            abstain_below=abstain_below,
            temperature=temperature,
            on_rows=partial(on_progress, "predicting", unit="rows"),
        )
    rows, without_text = sum(counts.values()), counts.pop(WITHOUT_TEXT, 0)
    used = {label or "no label": count for label, count in counts.items() if count or label != ABSTAINED}
    parts = [f"{label} {count:,}" for label, count in used.items()] if has_labels else []
    parts += [f"{without_text:,} row{'s' * (without_text > 1)} without text"] if without_text else []
    shown = f": {', '.join(parts)}" if parts else ""
    if has_confidence:
        shown += (
            f" (confidences calibrated, temperature {temperature:.2f})" if temperature != 1.0 else " (not calibrated)"
        )
    console.print(f"{rows:,} rows in {output}{shown}.", highlight=False)
