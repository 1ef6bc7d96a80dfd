"""The values of command-line options: from their text to Python, and whether they were given."""

import ast
from collections.abc import Sequence
from typing import Any, Literal

import typer

from uegr.errors import UsageError


def method_options(arguments: list[str]) -> dict[str, Any]:
    """Return `--epsilon 0.03 --dropout 0.1,0.3 --by_confidence False` as a dict; values are read as Python literals."""
    options: dict[str, Any] = {}
    remaining = list(arguments)
    while remaining:
        name = remaining.pop(0)
        if not name.startswith("--"):
            raise UsageError(f"'{name}' belongs to no option: write --name value.")
        name, separator, value = name[2:].partition("=")
        if not separator and remaining:
            value = remaining.pop(0)
        if not value:
            raise UsageError(f"--{name} is not an option of this command, or its value is missing: see its --help.")
        options[name.replace("-", "_")] = _literal(value)
    return options


def is_given(context: typer.Context, parameter: str) -> bool:
    """Whether a parameter was given on the command line."""
    return getattr(context.get_parameter_source(parameter), "name", "") == "COMMANDLINE"


def refuse_unused(context: typer.Context, parameters: Sequence[str], fix: str) -> None:
    """Raise a UsageError if one of the parameters was given, where the command would not use it."""
    given = [
        item.opts[0] for item in context.command.params if item.name in parameters and is_given(context, item.name)
    ]
    refuse_given(given, fix)


def refuse_given(options: Sequence[str], fix: str) -> None:
    """Raise a UsageError if there are any options, which the command would not use."""
    if options:
        raise UsageError(f"{', '.join(options)} is not used here: {fix}, or leave it out.")


def parse_numbers(text: str) -> list[float]:
    """Return comma-separated numbers as floats."""
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise UsageError(f"'{text}' is not a list of numbers: write them as 0.01,0.02,0.04.") from None


def parse_names(text: str) -> list[str]:
    """Return comma-separated names as a list."""
    return [name for part in text.split(",") if (name := part.strip())]


def parse_label_map(text: str) -> dict[str, str]:
    """Return `MODEL=TASK,MODEL=TASK` as a dict."""
    label_map: dict[str, str] = {}
    for pair in parse_names(text):
        model_class, separator, task_class = (part.strip() for part in pair.partition("="))
        if not (model_class and separator and task_class):
            raise UsageError(f"'{pair}' is not a pair of classes: write --label_map MODEL=TASK,MODEL=TASK.")
        if model_class in label_map:
            raise UsageError(f"--label_map names '{model_class}' twice: give it one class of the task.")
        label_map[model_class] = task_class
    return label_map


def parse_class_weights(text: str | None) -> Literal["balanced"] | tuple[float, ...] | None:
    """Return "balanced", or comma-separated numbers as floats."""
    return text if text is None or text == "balanced" else tuple(parse_numbers(text))  # type: ignore[return-value]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)
