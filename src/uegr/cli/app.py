"""The Typer application that every command registers with."""

from typing import Annotated, Any

import typer

from uegr import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def option(name: str, description: str, *more_names: str, **settings: Any) -> Any:
    """Return an option of a command; without a name, Typer would write max_steps as --max-steps."""
    return typer.Option(name, *more_names, help=description, **settings)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"uegr {__version__}")
        raise typer.Exit


@app.callback()
def global_options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Fine-tune language models so that they are accurate and hard to fool."""
