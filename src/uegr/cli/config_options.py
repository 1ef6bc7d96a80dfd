"""Options of a command that are the fields of configurations: name, type, default and help are written once, there."""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from uegr.cli.app import option
from uegr.options import Options, type_hints

Command = TypeVar("Command", bound=Callable[..., None])


def config_options(
    *configs: type[Options], flags: Mapping[str, str], panels: Mapping[str, Collection[str]] | None = None
) -> Callable[[Command], Command]:
    """Give a command, which ends with `**values`, one option per field that has a help text.

    Args:
        configs: the configurations; their values arrive in `values` by the names of the fields.
        flags: field -> name of its option, where that is another.
        panels: title of a panel of the help -> the fields in it, in the order of the help; a field in none is in the
            panel "Options".
    """
    panel_of = {name: panel for panel, names in (panels or {}).items() for name in names}
    order = {name: i for i, name in enumerate(panel_of)}

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        parameters = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        for config in configs:
            hints = type_hints(config)  # type: ignore[arg-type]  # a class is hashable
            for entry in sorted(fields(config), key=lambda entry: order.get(entry.name, -1)):
                if "help" in entry.metadata:
                    flag = flags.get(entry.name, f"--{entry.name}")
                    described = option(flag, entry.metadata["help"], rich_help_panel=panel_of.get(entry.name))
                    kind: Any = Annotated[_type_in_text(hints[entry.name]), described]
                    default = ",".join(entry.default) if isinstance(entry.default, tuple) else entry.default
                    keyword = inspect.Parameter.KEYWORD_ONLY
                    parameters.append(inspect.Parameter(entry.name, keyword, default=default, annotation=kind))
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    return decorate


def values_of(config: type[Options], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are fields of a configuration."""
    return {entry.name: values[entry.name] for entry in fields(config) if entry.name in values}


def _type_in_text(hint: Any) -> Any:
    """The type that the command line reads: numbers and switches as they are, everything else as text."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kind: Any = next((kind for kind in kinds if kind in (bool, int, float)), str)
    return kind | None if type(None) in kinds else kind
