"""Options from a YAML file: `--config run.yaml`, as in TRL's TrlParser; the command line overrides it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer

from uegr.cli.option_values import is_given
from uegr.data.expanded_paths import expanded_path
from uegr.errors import UsageError


def read_config_file(
    context: typer.Context,
    path: Path | None,
    further: dict[str, Any],
    paths: Collection[str] = (),
    other_names: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the values of a command's options: from the command line, then from the file, then the defaults.

    Args:
        context: the context of the command.
        path: a YAML file with one option per line, such as "epochs: 3"; None: no file.
        further: options on the command line that are not the command's own; those in the file are added.
        other_names: second name of a parameter -> the parameter.
        paths: parameters that name files and folders; in the file their ~ and $VARIABLES are expanded as in a shell.

    Returns:
        Name of each parameter of the command -> its value.

    Raises:
        UsageError: the file cannot be read, or is not a mapping.
    """
    values = dict(context.params)
    if path is None:
        return values
    from uegr.data.yaml_reader import load_yaml  # not needed by uegr --help

    content = load_yaml(path)
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise UsageError(f"'{path}' must be a mapping of options, such as epochs: 3.")
    parameters = {
        flag.lstrip("-"): str(parameter.name) for parameter in context.command.params for flag in parameter.opts
    }
    for name, value in content.items():
        parameter = parameters.get(other_names.get(name, name))
        if parameter is None:
            further.setdefault(name, value)
        elif not is_given(context, parameter):
            is_path = parameter in paths and isinstance(value, str)
            values[parameter] = expanded_path(name, value) if is_path else value
    return values
