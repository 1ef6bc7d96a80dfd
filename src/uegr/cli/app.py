"""The Typer application that every command registers with."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from uegr import __version__
from uegr.errors import UsageError


class Commands(TyperGroup):
    """The commands, and how the values of all of them are read.

    A leading ~ is the home folder, which a shell leaves as it is after a "=" and in quotes. An empty value, such as
    that of "$OUT" where OUT is not set, is refused: as a path it would be the working directory.
    """

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        rest = [_with_home(argument) for argument in rest]
        if "--code" in rest:
            raise UsageError(f"--code stands before the command: uegr --code FILE {name} ...")
        if command is not None:
            _refuse_empty(command, rest)
        return name, command, rest


def _with_home(argument: str) -> str:
    flag, separator, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return flag + separator + (os.path.expanduser(value) if value.startswith("~") else value)


def _refuse_empty(command: Any, arguments: list[str]) -> None:
    """Raise a UsageError if a value is empty; an option whose default is the empty text takes it."""
    may_be_empty = {flag for parameter in command.params if parameter.default == "" for flag in parameter.opts}
    for before, argument in pairwise(["", *arguments]):
        flag = argument[:-1] if argument.startswith("--") and argument.endswith("=") else before
        if argument in ("", f"{flag}=") and flag not in may_be_empty:
            what = flag if flag.startswith("--") else "an argument"
            raise UsageError(f"{what} is empty: give it a value, or leave it out.")


app = typer.Typer(
    cls=Commands,
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
    code: Annotated[
        list[Path] | None,
        option("--code", "Python file that registers methods of your own; it is run.", metavar="FILE"),
    ] = None,
) -> None:
    """Fine-tune language models so that they are accurate and hard to fool."""
    if code:
        from uegr.methods.own_code import import_code  # the methods import torch

        for file in code:
            import_code(file.expanduser())
