"""The decorator that makes a class the configuration of a method."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

from uegr.backward.backward_stage import BackwardStage
from uegr.backward.plain import PlainBackward
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
    """

    def decorate(cls: Config) -> Config:
        cls.method, cls.forward, cls.backward = name, forward, backward
        cls.paper, cls.revision = paper, revision
        config: Any = dataclass(frozen=True, kw_only=True)(cls)
        config.__doc__ = f"{cls.__doc__}\n\n{describe_options(config)}"
        REGISTERED[name] = config
        return config  # type: ignore[no-any-return]

    return decorate
