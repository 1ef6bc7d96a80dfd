"""uegr methods."""

from dataclasses import fields
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.method_advice import advice_text
from uegr.cli.method_help import rows_of
from uegr.cli.terminal import console


@app.command()
def methods(
    name: Annotated[str | None, typer.Argument(help="A method: list its options. Default: list the methods.")] = None,
) -> None:
    """List the training methods, or the options of one method."""
    from uegr.methods.method_lookup import METHODS, config_class

    if name is None:
        table = Table("method", "forward passes", "paper", "what it does", "needs", box=SIMPLE, pad_edge=False)
        for key, config in METHODS.items():
            needs = "; ".join(filter(None, (config.forward.needs, config.backward.needs)))
            table.add_row(key, f"{config().create().cost():g}", config.paper, config.summary(), needs)
        console.print(table)
        console.print(advice_text())
        return
    config = config_class(name)
    backward_options = {field.name for field in fields(config.backward.options_class)}
    table = Table("option", "type", "default", "stage", "description", box=SIMPLE, pad_edge=False)
    for row in rows_of(config):
        stage = "backward" if row["name"] in backward_options else "forward"
        table.add_row(f"--{row['name']}", row["type"], row["default"], stage, row["help"])
    console.print(table)
