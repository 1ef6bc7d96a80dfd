"""YAML files of grids and tunings, the files that they refer to, and the mappings in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uegr.data.yaml_reader import load_yaml
from uegr.errors import UsageError


def load_with_references(path: Path, including: tuple[Path, ...] = ()) -> Any:
    """The content of the file of a grid or a tuning, with the files it refers to read in.

    `base` names another file: its keys are used where this file has none, and its "defaults" are merged one by one.
    `methods` may name a file whose list of methods is used; `tuned` names files, each with the tasks whose methods it
    has.

    Args:
        path: the file.
        including: the files that have this one as their base, directly or indirectly.

    Raises:
        UsageError: a file cannot be read, or a file is a base of itself.
    """
    if path.resolve() in including:
        raise UsageError(f"'{path}' is a base of itself: take its 'base' out.")
    content = load_yaml(path)
    if not isinstance(content, Mapping):
        return content
    content = _with_methods(content, path.parent)
    if "base" in content:
        base_content = load_with_references(path.parent / str(content["base"]), (*including, path.resolve()))
        base = mapping(f"'{content['base']}', the base,", base_content)
        own = {key: value for key, value in content.items() if key != "base"}
        base_defaults, own_defaults = (mapping("defaults", level.get("defaults")) for level in (base, own))
        content = {**base, **own, "defaults": {**base_defaults, **own_defaults}}
    return content


def _with_methods(content: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """A file's content with the lists of methods that other files hold: "tuned" becomes task -> its methods."""
    methods, tuned = content.get("methods"), content.get("tuned")
    if isinstance(methods, str) and methods.endswith((".yaml", ".yml")):
        content = {**content, "methods": _methods_in(folder / methods)}
    if "tuned" in content:
        by_task: dict[str, Any] = {}
        for name, tasks in mapping("tuned", tuned).items():
            if not isinstance(tasks, list):
                raise UsageError(f"tuned must name the tasks of '{name}' in a list, such as [sst2], not {tasks!r}.")
            by_task |= dict.fromkeys(map(str, tasks), _methods_in(folder / name))
        content = {**content, "tuned": by_task}
    return content


def _methods_in(path: Path) -> Any:
    content = load_yaml(path)
    if not isinstance(content, Mapping) or "methods" not in content:
        raise UsageError(f"'{path.name}' holds no 'methods': name the .tuned.yaml file that uegr tune has written.")
    return content["methods"]


def mapping(where: str, value: Any) -> dict[str, Any]:
    """A value of a file as a mapping with text keys; null becomes an empty mapping."""
    value = {} if value is None else value
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UsageError(f"{where} must be a mapping, such as {{epochs: 3}}, not {value!r}.")
    return dict(value)
