"""What attacks on the embeddings and on the text have in common: a name, and options that are checked."""

from abc import ABC
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from uegr.errors import UsageError
from uegr.options import check_plain_fields


@dataclass(frozen=True)
class BaseAttack(ABC):
    """An attack, whose options are the fields of its class.

    Raises:
        UsageError: the class has no name, or an option has the wrong type.
    """

    name: ClassVar[str]
    """Stands in tables and results."""

    def __post_init__(self) -> None:
        if not isinstance(getattr(self, "name", None), str):
            raise UsageError(f"{type(self).__name__} has no name: write name = 'my-attack' in its class.")
        check_plain_fields(self)

    def options(self) -> dict[str, Any]:
        """The options of the attack, for results.json."""
        return {option.name: getattr(self, option.name) for option in fields(self)}
