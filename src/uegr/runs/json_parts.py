"""Dataclasses that are read from JSON; every value, however deep, is checked against the type of its field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from reprlib import repr as shortened
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints, is_typeddict

TAKEN: dict[Any, Any] = {float: (int, float), list: (list, tuple), dict: Mapping}
"""Type of a field -> the types of the values that it takes, where these are others."""


class MisfitError(ValueError):
    """A value of a JSON file is missing, or is not of the type of its field: "holds ..." or "lacks ..."."""


@dataclass(frozen=True, kw_only=True)
class JsonPart:
    """A dataclass that is read from a JSON object and written back without loss.

    Args:
        further: names and values that this version does not know; they are written back.
    """

    further: dict[str, Any] = field(default_factory=dict)

    ALWAYS: ClassVar[tuple[str, ...]] = ()
    """Fields that are written even where they are None or empty."""
    NEVER: ClassVar[tuple[str, ...]] = ("further",)
    """Fields that are not written under their own name."""

    @classmethod
    def from_dict(cls, part: Any, name: str = "") -> Self:
        """Read a JSON object.

        Args:
            part: the parsed object.
            name: what it is called in its file, for messages.

        Raises:
            MisfitError: a value is missing, or is not of the type of its field.
        """
        hints = types_of(cls)  # type: ignore[arg-type]  # a class is hashable
        required = [item.name for item in fields(cls) if item.default is item.default_factory is MISSING]
        check_object(part, required, name)
        typed = {key: read_value(value, hints[key], _within(name, key)) for key, value in part.items() if key in hints}
        return cls(**typed, further={key: value for key, value in part.items() if key not in hints})

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object: fields in the order of the class, without those that are None or empty."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in self.NEVER}
        written = {
            name: _json(value)
            for name, value in values.items()
            if name in self.ALWAYS or not (value is None or value in ([], {}))
        }
        return {**written, **self.further}


def check_object(value: Any, required: Collection[str], name: str) -> None:
    """Raise a MisfitError unless a value is an object that has the required keys."""
    if not isinstance(value, Mapping):
        raise MisfitError(f"holds {shortened(value)} as {name}")
    if missing := [_within(name, key) for key in required if key not in value]:
        raise MisfitError(f"lacks {', '.join(sorted(missing))}")


def read_value(value: Any, hint: Any, name: str) -> Any:
    """Return a JSON value as the type of its field.

    Args:
        value: the parsed value.
        hint: a plain type, a list or a dictionary of values of one type, a `JsonPart`, a `TypedDict`, or one of these
            and None. `Annotated[TYPE, READ_AS]` is read as the second, and is for type checkers the first.
        name: what it is called in its file, for messages.

    Raises:
        MisfitError: the value is not of this type.
    """
    if type(value) is hint:
        return value  # most values: what follows takes time
    if get_origin(hint) is Annotated:
        return read_value(value, get_args(hint)[1], name)
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return None if value is None else read_value(value, kinds[0], name)
    if hint is Any or (isinstance(hint, type) and isinstance(value, JsonPart)):
        return value
    if is_typeddict(hint):
        check_object(value, hint.__required_keys__, name)
        hints = types_of(hint)
        return {key: read_value(item, hints.get(key, Any), _within(name, key)) for key, item in value.items()}
    return _read_plain(value, hint, name)


def _read_plain(value: Any, hint: Any, name: str) -> Any:
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if issubclass(kind, JsonPart):
        return kind.from_dict(value, name)
    if not isinstance(value, TAKEN.get(kind, kind)) or (isinstance(value, bool) and kind is not bool):
        raise MisfitError(f"holds {shortened(value)} as {name}")
    if kind is list:
        return [read_value(item, arguments[0], f"{name}[{index}]") for index, item in enumerate(value)]
    if kind is dict:
        return {key: read_value(item, arguments[1], _within(name, key)) for key, item in value.items()}
    return value


@cache
def types_of(kind: Any) -> dict[str, Any]:
    """Return the type of each value of a `JsonPart` or a `TypedDict`."""
    hints = get_type_hints(kind, include_extras=not is_typeddict(kind))
    return {name: hint for name, hint in hints.items() if name != "further" and get_origin(hint) is not ClassVar}


def _within(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _json(value: Any) -> Any:
    if isinstance(value, JsonPart):
        return value.to_dict()
    return [_json(item) for item in value] if isinstance(value, list) else value
