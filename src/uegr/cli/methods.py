"""uegr methods."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.terminal import console


@app.command()
def methods(
    name: Annotated[str | None, typer.Argument(help="A method: list its options. Default: list the methods.")] = None,
) -> None:
    """List the training methods, or the options of one method."""
    from uegr.methods.registry import METHODS, create_method, described, entry_of, options_of

    if name is None:
        table = Table("method", "cost (F)", "paper", "what it does", "needs")
        for key, entry in METHODS.items():
            method = create_method(key)
            needs = "; ".join(need for need in (method.forward.needs, method.backward.needs) if need)
            table.add_row(key, f"{method.cost():g}", entry.paper, entry.summary, needs)
        console.print(table)
        return
    entry = entry_of(name)
    table = Table("option", "default", "stage", "description")
    for stage, kind in ((entry.forward, "forward"), (entry.backward, "backward")):
        texts = described(stage)
        for key, option in options_of(stage).items():
            table.add_row(f"--{key}", str(entry.defaults.get(key, option.default)), kind, escape(texts.get(key, "")))
    console.print(table)
