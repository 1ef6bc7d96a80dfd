"""The name of an attack, which stands in tables and results."""

from typing import Any

from uegr.errors import UsageError


def check_name(attack: Any) -> None:
    """Refuse an attack of the user's own without a name.

    Raises:
        UsageError: its class has none.
    """
    if not isinstance(getattr(attack, "name", None), str):
        raise UsageError(f"{type(attack).__name__} has no name: write name = 'my-attack' in its class.")
