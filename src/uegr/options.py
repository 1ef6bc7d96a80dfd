"""Options as frozen dataclasses: each field has a type, a default, a help text and bounds, and refuses other values."""

import functools
import math
from dataclasses import Field, dataclass, field, fields
from numbers import Number
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from uegr.errors import UsageError, unknown


def option(
    default: Any,
    help: str,  # the name that transformers' and peft's metadata use
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> Any:
    """A field of an `Options` dataclass.

    Args:
        default: the value of an option that is left out.
        help: what the option does, for the command line, the docs and `help(UEGRConfig)`.
        at_least, above, at_most, below: bounds of a number.
    """
    bounds = {"at least": at_least, "above": above, "at most": at_most, "below": below}
    return field(
        default=default,
        metadata={"help": help, "bounds": {words: end for words, end in bounds.items() if end is not None}},
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of the options of a stage.

    Raises:
        UsageError: a value has the wrong type, lies outside its bounds, or does not fit the other values (see `check`).
    """

    def __post_init__(self) -> None:
        hints = type_hints(type(self))  # type: ignore[arg-type]  # a class is hashable
        for entry in fields(self):
            value = own_number(getattr(self, entry.name))
            if isinstance(value, str) and hints[entry.name] == tuple[str, ...]:  # as a command line writes it
                value = [part.strip() for part in value.split(",") if part.strip()]
            if isinstance(value, list):  # JSON and YAML know no tuples
                value = tuple(value)
            object.__setattr__(self, entry.name, value)
            check_value(entry.name, value, hints[entry.name])
            _check_bounds(entry, value)
        for base in type(self).__mro__:
            if "check" in base.__dict__:
                base.check(self)  # type: ignore[attr-defined]

    def check(self) -> None:
        """Refuse values that do not fit together; called for every base class that defines it."""


@functools.cache
def type_hints(kind: Any) -> dict[str, Any]:
    """The types of a class's fields."""
    return get_type_hints(kind)


def type_name(hint: Any) -> str:
    """A type as a reader writes it: float, tuple[float, ...], or the choices of a `Literal`."""
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(type_name(kind) for kind in get_args(hint))
    return "None" if hint is type(None) else str(hint) if get_origin(hint) else getattr(hint, "__name__", str(hint))


def own_number(value: Any) -> Any:
    """A number of NumPy's as Python's own, which JSON can hold; any other value as it is."""
    return value.item() if isinstance(value, Number) and hasattr(value, "item") else value


def check_plain_fields(values: Any) -> None:
    """Check the fields of a frozen dataclass that are numbers, truth values or choices, as `Options` checks its own.

    Raises:
        UsageError: a value has the wrong type, or is none of the choices.
    """
    try:
        hints = type_hints(type(values))  # type: ignore[arg-type]  # a class is hashable
    except NameError:  # a class of the user's, with types that only a type checker imports
        return
    for entry in fields(values):
        if hints[entry.name] in (int, float, bool) or get_origin(hints[entry.name]) is Literal:
            object.__setattr__(values, entry.name, own_number(getattr(values, entry.name)))
            check_value(entry.name, getattr(values, entry.name), hints[entry.name])


def check_value(name: str, value: Any, hint: Any) -> None:
    """Refuse a value whose type an option does not take.

    Raises:
        UsageError: naming the type, or the choices.
    """
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise unknown(name, value, map(str, get_args(hint)))
        return
    accepted = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if not any(_is_a(value, kind) for kind in accepted):
        expected = " or ".join(_describe(kind) for kind in accepted)
        raise UsageError(f"{name} must be {expected}, not {value!r}.")


def check_option(kind: type[Options], name: str, value: Any) -> None:
    """Refuse a value that an option cannot have, whatever the values of the others.

    Raises:
        UsageError: the type is wrong, or the value lies outside the option's bounds.
    """
    check_value(name, value, type_hints(kind)[name])  # type: ignore[arg-type]  # a class is hashable
    _check_bounds(next(entry for entry in fields(kind) if entry.name == name), value)


def _check_bounds(entry: Field[Any], value: Any) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    bounds: dict[str, float] = entry.metadata.get("bounds", {})
    fits = {
        "at least": lambda end: value >= end,
        "above": lambda end: value > end,
        "at most": lambda end: value <= end,
        "below": lambda end: value < end,
    }
    if not math.isfinite(value):
        raise UsageError(f"{entry.name} must be a finite number, not {value}.")
    if not all(fits[words](end) for words, end in bounds.items()):
        expected = " and ".join(f"{words} {end}" for words, end in bounds.items())
        if {*bounds} == {"at least", "at most"}:
            expected = f"between {bounds['at least']} and {bounds['at most']}"
        raise UsageError(f"{entry.name} must be {expected}, not {value:g}.")


def _is_a(value: Any, kind: Any) -> bool:
    if get_origin(kind) is tuple:
        return isinstance(value, (tuple, list)) and all(_is_a(item, get_args(kind)[0]) for item in value)
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, get_origin(kind) or kind)


def _describe(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return "a list of names" if get_args(kind)[0] is str else "a list of numbers such as 0.1,0.3"
    if get_origin(kind) is dict:
        return "a mapping"
    words = {float: "a number", int: "a whole number", bool: "True or False", str: "a text"}
    return words.get(kind, type_name(kind))
