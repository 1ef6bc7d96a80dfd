"""Find a method by name, and make pairs of two methods' stages."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from uegr.errors import UsageError, shown, unknown
from uegr.methods import registry  # noqa: F401  # registers every method
from uegr.methods.method_config import MethodConfig, describe_options
from uegr.methods.register_method import REGISTERED
from uegr.options import Options

METHODS: dict[str, type[MethodConfig]] = REGISTERED
"""Every method by name, in the order of `uegr methods`."""
OWN = "; a method of your own must be imported first, on the command line with uegr --code FILE"
PAIR = "+"
"""Joins the names of two methods: "freelb+roast" is FreeLB's forward stage with RoAST's backward stage."""


def config_class(name: str) -> type[MethodConfig]:
    """The configuration class of a method, or of a pair "FORWARD+BACKWARD" of two methods' stages.

    Raises:
        UsageError: there is no such method, or more than two are named.
    """
    if not isinstance(name, str):
        raise UsageError(f"a method is given by its name, such as 'uegr', not {shown(name)}.")
    names = name.split(PAIR)
    for part in names:
        if part not in METHODS:
            raise unknown("method", part, METHODS, OWN)
    if len(names) > 2:
        raise UsageError(f"'{name}' names more than two stages: write FORWARD{PAIR}BACKWARD.")
    configs = [METHODS[part] for part in names]
    return configs[0] if len(configs) == 1 else _pair(*configs)  # type: ignore[arg-type]  # a class is hashable


def make_config(name: str, options: Mapping[str, Any] | None = None) -> MethodConfig:
    """The configuration of a method by name, with some options given.

    Raises:
        UsageError: there is no such method or option, or a value is not possible; the message suggests a name.
    """
    return config_class(name).from_options(options or {})


@functools.cache  # by the classes: a method that is registered again, as in a notebook, makes other pairs
def _pair(forward: type[MethodConfig], backward: type[MethodConfig]) -> type[MethodConfig]:
    """The forward stage of one method with the backward stage of another, each with its method's defaults."""
    stages: dict[type, None] = dict.fromkeys((backward.backward.options_class, forward.forward.options_class))
    options_classes = (options_class for options_class in stages if options_class is not Options)
    bases = (*options_classes, MethodConfig)  # last, so that a stage's own defaults take precedence
    namespace: dict[str, Any] = {"__annotations__": {}, "__module__": __name__, "__reduce__": _reduce}
    for config, stage in ((forward, forward.forward), (backward, backward.backward)):
        stage_options = {entry.name: entry for entry in fields(stage.options_class)}
        for entry in fields(config):
            field_name, inherited = entry.name, stage_options.get(entry.name)
            if inherited is not None and inherited.default != entry.default:
                namespace[field_name] = field(default=entry.default, metadata=entry.metadata)
                namespace["__annotations__"][field_name] = entry.type
    cls: Any = type("PairConfig", bases, namespace)
    cls.method = f"{forward.method}{PAIR}{backward.method}"
    cls.forward, cls.backward = forward.forward, backward.backward
    cls.paper = " and ".join(dict.fromkeys((forward.paper, backward.paper)))
    cls.revision = max(forward.revision, backward.revision)
    config = dataclass(frozen=True, kw_only=True)(cls)
    config.__doc__ = (
        f"Forward stage of {forward.method}, backward stage of {backward.method}.\n\n{describe_options(config)}"
    )
    pair: type[MethodConfig] = config
    return pair


def _reduce(config: MethodConfig) -> tuple[Any, ...]:
    """How a pair is pickled: its class is in no module, and is made again from the names."""
    return make_config, (config.method, config.options())
