"""The decorator that makes a class the configuration of a method."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, TypeVar, dataclass_transform

from uegr.backward.backward_stage import BackwardStage
from uegr.backward.plain import PlainBackward
from uegr.errors import UsageError, shown
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.plain import PlainForward
from uegr.methods.method_config import MethodConfig, describe_options
from uegr.options import Options, option

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
        UsageError: the name is empty, contains '+' or is taken by another class; the class does not inherit from
            `MethodConfig` or has a field without `option(...)`; a stage is not a subclass of `ForwardStage` or
            `BackwardStage`, does not implement an abstract method, or its methods take different arguments; or the
            class does not inherit from its stages' options.
    """
    if not isinstance(name, str) or not name or "+" in name:
        raise UsageError(f"a method needs a name without '+', not {shown(name)}: write @register('my-method').")
    for stage, kind in ((forward, ForwardStage), (backward, BackwardStage)):
        if not (isinstance(stage, type) and issubclass(stage, kind)):
            raise UsageError(f"a stage of method '{name}' must be a class of {kind.__name__}, not {shown(stage)}.")
        _check_stage(stage, kind)

    def decorate(cls: Config) -> Config:
        _check_class(name, cls)
        cls.method, cls.forward, cls.backward = name, forward, backward
        cls.paper, cls.revision = paper, revision
        _check_options(cls)
        description = cls.__doc__ or f"The method {name}."
        try:
            config: Any = dataclass(frozen=True, kw_only=True)(cls)
        except (TypeError, ValueError) as error:  # a field without a type, a list as a default
            raise UsageError(f"{cls.__name__} is not a configuration: {error}.") from error
        for entry in fields(config):
            if "help" not in entry.metadata:
                raise UsageError(f"{cls.__name__}.{entry.name} is not an option: write it as option(default, help).")
        config.__doc__ = f"{description}\n\n{describe_options(config)}"
        REGISTERED[name] = config
        return config  # type: ignore[no-any-return]

    return decorate


@cache  # many methods share a stage, and signatures take milliseconds of every start
def _check_stage(stage: type, kind: type) -> None:
    """Refuse a stage that does not implement an abstract method, or cannot take the arguments it will be called with.

    Raises:
        UsageError: the stage is refused.
    """
    missing = sorted(getattr(stage, "__abstractmethods__", ()))
    if missing:
        raise UsageError(f"{stage.__name__} does not implement {missing[0]}(), which every {kind.__name__} has.")
    for method in ("__init__", "__call__", "update"):
        if not hasattr(kind, method):
            continue
        expected = inspect.signature(getattr(kind, method))
        try:
            inspect.signature(getattr(stage, method)).bind(*expected.parameters)
        except TypeError:
            arguments = ", ".join(expected.parameters)
            raise UsageError(f"{stage.__name__}.{method} must take the arguments ({arguments}).") from None


def _check_options(cls: type[MethodConfig]) -> None:
    """Refuse a configuration that lacks the options of its stages.

    Raises:
        UsageError: it does not inherit from them, or one of its bases is not a dataclass.
    """
    for base in cls.__mro__[1:]:
        if issubclass(base, Options) and "__dataclass_fields__" not in vars(base):
            raise UsageError(
                f"{base.__name__} is not a dataclass: write @dataclass(frozen=True, kw_only=True) above it."
            )
    for stage in (cls.forward, cls.backward):
        if not issubclass(cls, stage.options_class):
            raise UsageError(
                f"{cls.__name__} lacks the options of {stage.__name__}: write class {cls.__name__}(MethodConfig, "
                f"{stage.options_class.__name__})."
            )


def _check_class(name: str, cls: Any) -> None:
    """Refuse a class that is not a configuration, and a name of another class; the same file or cell may run again.

    Raises:
        UsageError: the class or the name is refused.
    """
    if not (isinstance(cls, type) and issubclass(cls, MethodConfig)):
        raise UsageError(f"method '{name}' must be a class that inherits from MethodConfig, not {shown(cls)}.")
    other = REGISTERED.get(name)
    if other is not None and other.__qualname__ != cls.__qualname__:
        raise UsageError(f"the name '{name}' is that of {other.__module__}.{other.__qualname__}: choose another one.")
