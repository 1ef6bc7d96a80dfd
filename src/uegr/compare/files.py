"""YAML files as their writers mean them, and the mappings in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from uegr.errors import UsageError


class Loader(yaml.SafeLoader):
    """YAML's safe subset, which reads 1e-4 as a number, as YAML 1.2 and everybody else does."""


SCIENTIFIC = re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$")
Loader.add_implicit_resolver("tag:yaml.org,2002:float", SCIENTIFIC, list("-+0123456789"))


def load_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        UsageError: it is missing, or no YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506  # a SafeLoader
    except FileNotFoundError:
        raise UsageError(f"there is no file '{path}': check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"'{path}' is no YAML in UTF-8: {' '.join(str(error).split())}.") from error


def mapping(where: str, value: Any) -> dict[str, Any]:
    """What a file says in this place, as a mapping of names; nothing where it says nothing.

    Raises:
        UsageError: it is something else.
    """
    value = {} if value is None else value
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UsageError(f"{where} must be a mapping, such as {{epochs: 3}}, not {value!r}.")
    return dict(value)
