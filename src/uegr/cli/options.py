"""What stands on the command line as text, read as Python values."""

from __future__ import annotations

import ast
from typing import Any, Literal

from uegr.errors import UsageError


def method_options(arguments: list[str]) -> dict[str, Any]:
    """`--epsilon 0.03 --dropout 0.1,0.3 --adversary False` as options, numbers read as Python reads them."""
    options: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        name = rest.pop(0)
        if not name.startswith("--"):
            raise UsageError(f"'{name}' belongs to no option: write --name value.")
        name, _, value = name[2:].partition("=")
        if not value:
            if not rest:
                raise UsageError(
                    f"--{name} is no option of uegr train, or its value is missing: see uegr train --help."
                )
            value = rest.pop(0)
        options[name.replace("-", "_")] = _literal(value)
    return options


def numbers(text: str) -> list[float]:
    """Comma-separated numbers."""
    try:
        return [float(one) for one in text.split(",")]
    except ValueError:
        raise UsageError(f"'{text}' is no list of numbers: write them as 0.01,0.02,0.04.") from None


def pairs(text: str) -> dict[str, str]:
    """`MODEL=TASK,MODEL=TASK` as a dict."""
    found = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        left, separator, right = one.partition("=")
        if not (left and separator and right):
            raise UsageError(f"'{one}' is no pair of classes: write --label_map MODEL=TASK,MODEL=TASK.")
        found[left.strip()] = right.strip()
    return found


def weights(text: str | None) -> Literal["balanced"] | tuple[float, ...] | None:
    """`--class_weights balanced`, or comma-separated numbers."""
    return text if text is None or text == "balanced" else tuple(numbers(text))  # type: ignore[return-value]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)
