"""The decorator that makes a class the configuration of a method."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar, dataclass_transform

from uegr.backward.backward_stage import BackwardStage
from uegr.backward.plain import PlainBackward
from uegr.errors import UsageError, shown
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.plain import PlainForward
from uegr.methods.method_config import MethodConfig, describe_options
from uegr.options import option

Config = TypeVar("Config", bound=type[MethodConfig])
REGISTERED: dict[str, type[MethodConfig]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def register(
    name: str,
    *,
    forward: type[ForwardStage] = PlainForward,
    backward: type[BackwardStage] = PlainBackward,
    paper: str = "-",
    revision: int = 0,
) -> Callable[[Config], Config]:
    """Make a class the configuration of a method: a frozen dataclass, under this name in `METHODS`.

    Args:
        name: on the command line, in logs and in results.
        forward, backward: its stages; plain ones if left out.
        paper: where the method comes from.
        revision: see `MethodConfig`.

    Raises:
        UsageError: the name is none, or another class has it; the class inherits from no `MethodConfig`, or has a field
            without `option(...)`; or a stage is no class of its kind.
    """
    if not isinstance(name, str) or not name or "+" in name:
        raise UsageError(f"a method needs a name without '+', not {shown(name)}: write @register('my-method').")
    for stage, kind in ((forward, ForwardStage), (backward, BackwardStage)):
        if not (isinstance(stage, type) and issubclass(stage, kind)):
            raise UsageError(f"a stage of method '{name}' must be a class of {kind.__name__}, not {shown(stage)}.")

    def decorate(cls: Config) -> Config:
        _check_class(name, cls)
        cls.method, cls.forward, cls.backward = name, forward, backward
        cls.paper, cls.revision = paper, revision
        config: Any = dataclass(frozen=True, kw_only=True)(cls)
        for entry in fields(config):
            if "help" not in entry.metadata:
                raise UsageError(f"{cls.__name__}.{entry.name} is no option: write it as option(default, help).")
        config.__doc__ = f"{cls.__doc__}\n\n{describe_options(config)}"
        REGISTERED[name] = config
        return config  # type: ignore[no-any-return]

    return decorate


def _check_class(name: str, cls: Any) -> None:
    """Refuse a class that is no configuration, and a name that another class has; the same file or cell may run again.

    Raises:
        UsageError: it is one of these.
    """
    if not (isinstance(cls, type) and issubclass(cls, MethodConfig)):
        raise UsageError(f"method '{name}' must be a class that inherits from MethodConfig, not {shown(cls)}.")
    other = REGISTERED.get(name)
    if other is not None and other.__qualname__ != cls.__qualname__:
        raise UsageError(f"the name '{name}' is that of {other.__module__}.{other.__qualname__}: choose another one.")
