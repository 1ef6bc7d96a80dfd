"""uegr methods."""

from typing import Annotated

import typer
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.method_advice import advice_text
from uegr.cli.terminal import console


@app.command()
def methods(
    name: Annotated[str | None, typer.Argument(help="A method: list its options. Default: list the methods.")] = None,
) -> None:
    """List the training methods, or the options of one method."""
    from uegr.methods.method_lookup import METHODS, config_class
    from uegr.options import option_fields, type_name

    if name is None:
        table = Table("method", "cost (F)", "paper", "what it does", "needs")
        for key, config in METHODS.items():
            needs = "; ".join(filter(None, (config.forward.needs, config.backward.needs)))
            table.add_row(key, f"{config().create().cost():g}", config.paper, config.summary(), needs)
        console.print(table)
        console.print(advice_text())
        return
    config = config_class(name)
    forward_options = {field.name for field in option_fields(config.forward.options_class)}
    table = Table("option", "type", "default", "stage", "description")
    for field in option_fields(config):
        stage = "forward" if field.name in forward_options else "backward"
        row = (type_name(field.type), str(field.default), stage, str(field.metadata["help"]))
        table.add_row(f"--{field.name}", *row)
    console.print(table)
