"""Read YAML from outside: no code is run, and aliases cannot expand to a huge file."""

import re
from pathlib import Path
from typing import Any

import yaml

from uegr.data.json_lines import has_surrogates
from uegr.errors import UsageError

INTEGER, FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"


class Loader(yaml.SafeLoader):
    """YAML's safe subset, which reads numbers as YAML 1.2 does, and refuses a repeated key.

    1e-4 is a number. 010, which is 8 in YAML 1.1 and 10 elsewhere, and 1:30, 90 in YAML 1.1, are texts.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Before keys are merged: a key that replaces one of a merge (<<) is no repetition.
        node = super().compose_mapping_node(anchor)
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.composer.ComposerError(None, None, f"the key '{key}' appears twice", node.start_mark)
        return node


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (INTEGER, FLOAT)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(INTEGER, re.compile(r"^[-+]?(0|[1-9][\d_]*|0x[\da-fA-F]+)$"), list("-+0123456789"))
Loader.add_implicit_resolver(
    FLOAT,
    re.compile(r"^([-+]?(\.\d+|\d[\d_]*\.\d*|\d+(?=[eE]))([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"),
    list("-+.0123456789"),
)

MOST_NODES, DEEPEST = 100_000, 30
"""Largest number of nodes and levels of a file with its aliases expanded."""


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
    except UsageError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"'{path}' is not valid YAML in UTF-8 ({reason}): correct it.") from error


def _check_size(path: Path, root: yaml.Node | None) -> None:
    """Refuse a file that is too large once its aliases are expanded, without expanding them."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node | None, depth: int) -> int:
        if not isinstance(node, yaml.CollectionNode):
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
        raise UsageError(f"'{path}' holds more than {MOST_NODES:,} values with its aliases: write a smaller file.")
