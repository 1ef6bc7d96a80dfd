"""YAML files as their writers mean them, the files they refer to, and the mappings in them."""

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


def load_with_references(path: Path, asking: tuple[Path, ...] = ()) -> Any:
    """The content of a grid's or a tuning's file, with what other files say in the workspace of their names.

    `base` names a file beside it whose keys count where this one has none, among the "defaults" one by one; `methods`
    one whose list is taken.

    Args:
        path: of the file.
        asking: the files whose base it is.

    Raises:
        UsageError: a file is missing, or no YAML, or does not hold what is asked of it, or is its own base.
    """
    if path.resolve() in asking:
        raise UsageError(f"'{path}' is a base of itself: take its 'base' out.")
    content = load_yaml(path)
    if not isinstance(content, Mapping):
        return content
    if "base" in content:
        found = load_with_references(path.parent / str(content["base"]), (*asking, path.resolve()))
        base = mapping(f"'{content['base']}', the base,", found)
        own = {key: value for key, value in content.items() if key != "base"}
        shared, given = (mapping("defaults", one.get("defaults")) for one in (base, own))
        content = {**base, **own, "defaults": {**shared, **given}}
    methods = content.get("methods")
    if isinstance(methods, str) and methods.endswith((".yaml", ".yml")):
        found = load_yaml(path.parent / methods)
        if not isinstance(found, Mapping) or "methods" not in found:
            raise UsageError(f"'{methods}' holds no 'methods': name the tuned.yaml that uegr tune has written.")
        content = {**content, "methods": found["methods"]}
    return content


def mapping(where: str, value: Any) -> dict[str, Any]:
    """What a file says in this workspace, as a mapping of names; nothing where it says nothing.

    Raises:
        UsageError: it is something else.
    """
    value = {} if value is None else value
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UsageError(f"{where} must be a mapping, such as {{epochs: 3}}, not {value!r}.")
    return dict(value)
