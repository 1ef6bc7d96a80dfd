"""What attacks on the embeddings and on the text have in common: a name, and options that are checked."""

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from uegr.errors import UsageError
from uegr.options import check_plain_fields


@dataclass(frozen=True)
class BaseAttack(ABC):
    """An attack, whose options are the fields of its class.

    Raises:
        UsageError: the class has no name, or an option has the wrong type or no effect.
    """

    name: ClassVar[str]
    """Stands in tables and results."""

    def __post_init__(self) -> None:
        if not isinstance(getattr(self, "name", None), str):
            raise UsageError(f"{type(self).__name__} has no name: write name = 'my-attack' in its class.")
        check_plain_fields(self)
        for option, reason in self.without_effect(vars(self)).items():
            if getattr(self, option) != getattr(type(self), option):
                raise no_effect(option, reason)

    def prepare(self) -> None:
        """Load what the attack needs, such as a list of words, so that what is missing is reported before any work.

        Raises:
            UsageError: it is not there.
        """

    @classmethod
    def without_effect(cls, options: Mapping[str, Any]) -> dict[str, str]:
        """The options that have no effect beside these, each with its reason, such as "search_by=worst"."""
        return {}

    def options(self) -> dict[str, Any]:
        """The options of the attack that have an effect, for results.json."""
        unused = self.without_effect(vars(self))
        return {option.name: getattr(self, option.name) for option in fields(self) if option.name not in unused}


def no_effect(option: str, reason: str) -> UsageError:
    """The error for an option that has no effect."""
    return UsageError(f"{option} has no effect with {reason}: leave it out.")
