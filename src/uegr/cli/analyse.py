"""uegr analyse."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from uegr.cli.app import app, option
from uegr.cli.option_values import parse_names, refuse_unused
from uegr.cli.shared_options import BatchSizeOption, SplitOption, TrustOption
from uegr.cli.terminal import console, progress


@app.command()
def analyse(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of an evaluated run.")],
    parts: Annotated[
        str, option("--parts", "Parts: calibration,selective,ood,similarity,saliency,landscape. Default: all.")
    ] = "",
    examples: Annotated[int, option("--examples", "Examples for similarity, saliency and landscape.", min=2)] = 100,
    ood: Annotated[str, option("--ood", "Tasks whose texts are out of distribution for the model: subj,trec.")] = "",
    split: SplitOption = "test",
    batch_size: BatchSizeOption = 64,
    trust_remote_code: TrustOption = False,
) -> None:
    """Analyse a run (calibration, similarity to the pretrained model, loss landscape, ...) into its results.json."""
    from uegr.runs.analyse import PARTS, analyse_run

    selected = parse_names(parts) or None
    if selected is not None and "ood" not in selected:
        refuse_unused(context, ("ood",), "add ood to --parts")
    on_a_sample = [name for name, (_, needs_all_rows) in PARTS.items() if not needs_all_rows]
    if selected is not None and not {*selected} & {*on_a_sample} and {*selected} <= {*PARTS}:
        refuse_unused(context, ("examples",), f"add one of {', '.join(on_a_sample)} to --parts")
    with progress() as on_progress:
        result = analyse_run(
            run,
            selected,
            examples=examples,
            split=split,
            batch_size=batch_size,
            trust_remote_code=trust_remote_code,
            ood_tasks=parse_names(ood),
            on_part=partial(on_progress, unit="parts"),
        )
    table = Table("part", "examples", "seconds", "time per example, in forward passes", box=SIMPLE, pad_edge=False)
    for name, part in result.analysis.items():
        cost = part.get("cost")  # files of earlier versions may lack it
        if cost is not None and (selected is None or name in selected):
            table.add_row(name, str(cost["examples"]), f"{cost['seconds']:.1f}", f"{cost['forward_passes']:.1f}")
    console.print(table)
