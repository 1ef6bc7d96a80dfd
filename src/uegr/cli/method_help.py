"""The help of a command that trains: after its own options it lists those of the chosen method."""

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import fields
from importlib.resources import files
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from rich.markup import escape
from typer.core import TyperCommand

from uegr.cli.app import option
from uegr.options import type_hints
from uegr.training.run_config import RunConfig

if TYPE_CHECKING:
    from uegr.methods.method_config import MethodConfig

CHOSEN = "uegr.method"
"""Key under which a context keeps the chosen method."""


class MethodHelp(TyperCommand):
    """A command whose help ends with the options of the method that --method, --forward and --backward name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        values, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[CHOSEN] = chosen_method({"method": RunConfig.method, **values})
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        shown = copy(self)
        shown.params = [*self.params, *method_parameters(ctx.meta[CHOSEN])]
        super(MethodHelp, shown).format_help(ctx, formatter)


def chosen_method(values: Mapping[str, Any]) -> str:
    """The name of a method, or of the pair of stages that `forward` and `backward` make of it."""
    method, forward, backward = (values.get(name) for name in ("method", "forward", "backward"))
    if forward is None and backward is None:
        return str(method)
    from uegr.methods.method_lookup import PAIR

    return f"{forward or method}{PAIR}{backward or method}"


def method_parameters(name: str) -> list[Any]:
    """The options of a method as parameters of a command, in a panel of their own.

    Raises:
        UsageError: there is no such method.
    """
    panel = f"Options of method {name}"
    parameters = []
    for row in option_rows(name):
        settings = {"metavar": row["type"], "rich_help_panel": panel}
        annotation = Annotated[str, option(f"--{row['name']}", escape(row["help"]), **settings)]
        parameter = Parameter(row["name"], Parameter.KEYWORD_ONLY, default=row["default"], annotation=annotation)
        parameters.append(parameter)

    def command(**_: Any) -> None: ...

    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return [parameter for parameter in typer.main.get_command(app).params if parameter.name != "help"]


def option_rows(name: str) -> list[dict[str, str]]:
    """Name, type, default and help of each option of a method.

    They are read from a table that `make cards` writes, because the methods themselves import torch.

    Raises:
        UsageError: there is no such method.
    """
    table: dict[str, list[dict[str, str]]] = json.loads(
        files("uegr.cli").joinpath("method_options.json").read_text(encoding="utf-8")
    )
    if name in table:
        return table[name]
    from uegr.methods.method_lookup import config_class  # a pair, or an error that lists the methods

    return rows_of(config_class(name))


def rows_of(config: "type[MethodConfig]") -> list[dict[str, str]]:
    """Name, type, default and help of each option of a method's configuration."""
    hints = type_hints(config)  # type: ignore[arg-type]  # a class is hashable
    return [
        {
            "name": entry.name,
            "type": _type_in_help(hints[entry.name]),
            "default": ",".join(map(str, entry.default)) if isinstance(entry.default, tuple) else str(entry.default),
            "help": entry.metadata["help"],
        }
        for entry in fields(config)
    ]


def _type_in_help(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "|".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return f"{_type_in_help(get_args(hint)[0])},..."
    if isinstance(hint, type):
        return f"<{hint.__name__}>"
    return _type_in_help(next(kind for kind in get_args(hint) if kind is not type(None)))
