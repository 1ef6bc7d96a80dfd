"""YAML files of grids and tunings, the files that they refer to, and the mappings in them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from uegr.data.json_lines import has_surrogates
from uegr.errors import UsageError


class Loader(yaml.SafeLoader):
    """YAML's safe subset, which reads 1e-4 as a number, as YAML 1.2 does."""


SCIENTIFIC = re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$")
Loader.add_implicit_resolver("tag:yaml.org,2002:float", SCIENTIFIC, list("-+0123456789"))


MOST_NODES, DEEPEST = 100_000, 30
"""Of a file with its aliases written out."""


def load_yaml(path: Path) -> Any:
    """The content of a YAML file."""
    try:
        text = path.read_text(encoding="utf-8")
        _check_size(path, yaml.compose(text, Loader))
        return yaml.load(text, Loader)  # noqa: S506  # a SafeLoader
    except FileNotFoundError:
        raise UsageError(f"there is no file '{path}': check the path.") from None
    except IsADirectoryError:
        raise UsageError(f"'{path}' is a folder: name a YAML file.") from None
    except RecursionError:
        raise UsageError(f"'{path}' has more than {DEEPEST} levels: flatten it.") from None
    except (yaml.YAMLError, UnicodeError, ValueError, OverflowError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"'{path}' is no YAML in UTF-8: {' '.join(str(error).split())}.") from error


def _check_size(path: Path, root: yaml.Node | None) -> None:
    """Refuse a file whose aliases stand for more than they seem to, without writing them out."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node | None, depth: int) -> int:
        if node is None or not isinstance(node, yaml.CollectionNode):
            if isinstance(node, yaml.ScalarNode) and has_surrogates(node.value):
                raise UsageError(f"'{path}' holds half of a surrogate pair in {node.value!a}: correct the text.")
            return 1
        if depth > DEEPEST:
            raise UsageError(f"'{path}' has more than {DEEPEST} levels, or an alias that holds itself: flatten it.")
        if id(node) not in sizes:
            parts = [part for entry in node.value for part in (entry if isinstance(entry, tuple) else (entry,))]
            sizes[id(node)] = 1 + sum(size(part, depth + 1) for part in parts)
        return sizes[id(node)]

    if size(root, 0) > MOST_NODES:
        raise UsageError(f"'{path}' holds more than {MOST_NODES:,} values with its aliases: write a smaller grid.")


def load_with_references(path: Path, including: tuple[Path, ...] = ()) -> Any:
    """The content of the file of a grid or a tuning, with the files it refers to read in.

    `base` names another file: its keys are used where this file has none, and its "defaults" are merged one by one.
    `methods` may name a file whose list of methods is used.

    Args:
        path: of the file.
        including: the files that have this one as their base, directly or not.
    """
    if path.resolve() in including:
        raise UsageError(f"'{path}' is a base of itself: take its 'base' out.")
    content = load_yaml(path)
    if not isinstance(content, Mapping):
        return content
    if "base" in content:
        base_content = load_with_references(path.parent / str(content["base"]), (*including, path.resolve()))
        base = mapping(f"'{content['base']}', the base,", base_content)
        own = {key: value for key, value in content.items() if key != "base"}
        base_defaults, own_defaults = (mapping("defaults", level.get("defaults")) for level in (base, own))
        content = {**base, **own, "defaults": {**base_defaults, **own_defaults}}
    methods = content.get("methods")
    if isinstance(methods, str) and methods.endswith((".yaml", ".yml")):
        tuned = load_yaml(path.parent / methods)
        if not isinstance(tuned, Mapping) or "methods" not in tuned:
            raise UsageError(f"'{methods}' holds no 'methods': name the .tuned.yaml file that uegr tune has written.")
        content = {**content, "methods": tuned["methods"]}
    return content


def mapping(where: str, value: Any) -> dict[str, Any]:
    """A value of a file as a mapping with text keys; null becomes an empty mapping."""
    value = {} if value is None else value
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UsageError(f"{where} must be a mapping, such as {{epochs: 3}}, not {value!r}.")
    return dict(value)
