"""The application every command registers itself with."""

from __future__ import annotations

from typing import Annotated

import typer

from uegr import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"uegr {__version__}")
        raise typer.Exit


@app.callback()
def every_command(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is, and end.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    """Fine-tune language models so that they are accurate and hard to fool."""
