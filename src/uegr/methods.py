"""The registry: every method is a forward stage and a backward stage, and its options are theirs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from uegr.backward.plain import PlainBackward
from uegr.backward.selective import SelectiveBackward
from uegr.backward.stage import BackwardStage
from uegr.errors import UsageError, unknown
from uegr.forward.plain import PlainForward
from uegr.forward.stage import ForwardStage
from uegr.forward.uegr import UEGRForward
from uegr.method import Method


@dataclass(frozen=True)
class Entry:
    """One line of the registry.

    Args:
        forward, backward: classes of the two stages; their keyword arguments are the method's options.
        summary: one sentence for `uegr methods`.
        paper: where the method comes from.
        defaults: options that differ from the stages' own defaults.
    """

    forward: Callable[..., ForwardStage]
    backward: Callable[..., BackwardStage]
    summary: str
    paper: str
    defaults: dict[str, Any] = field(default_factory=dict)


METHODS: dict[str, Entry] = {
    "plain": Entry(PlainForward, PlainBackward, "Plain fine-tuning: cross-entropy, every weight.", "-"),
    "uegr": Entry(
        UEGRForward,
        SelectiveBackward,
        "Adversarial sample through k dropout sub-models tied by JS; saliency-selected update.",
        "arXiv 2503.16550",
    ),
}


def create_method(name: str, *, seed: int = 0, total_steps: int | None = None, **options: Any) -> Method:
    """A method of the registry by name.

    Args:
        name: a key of `METHODS`.
        seed, total_steps: see `Method`.
        options: keyword arguments of its two stages.

    Raises:
        UsageError: an unknown method or option, or a value that a stage refuses.
    """
    entry = METHODS.get(name)
    if entry is None:
        raise unknown("method", name, METHODS)
    given = {**entry.defaults, **options}
    forward_names, backward_names = options_of(entry.forward), options_of(entry.backward)
    for option, value in given.items():
        if option not in {*forward_names, *backward_names}:
            if not (forward_names or backward_names):
                raise UsageError(f"method '{name}' takes no options, so --{option} cannot be set.")
            raise unknown(f"option of method {name}", option, sorted([*forward_names, *backward_names]))
        check_option(option, value, {**forward_names, **backward_names}[option])
    forward = entry.forward(**{key: value for key, value in given.items() if key in forward_names})
    backward = entry.backward(**{key: value for key, value in given.items() if key in backward_names})
    return Method(forward, backward, name=name, seed=seed, total_steps=total_steps)


def UEGR(*, seed: int = 0, total_steps: int | None = None, **options: Any) -> Method:  # noqa: N802
    """UEGR with the given options (those of `UEGRForward` and `SelectiveBackward`), as one object."""
    return create_method("uegr", seed=seed, total_steps=total_steps, **options)


def resolved_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a method with its value: as given, else the method's default, else the stage's."""
    entry = METHODS[name]
    known = {**options_of(entry.forward), **options_of(entry.backward)}
    return {**{key: one.default for key, one in known.items()}, **entry.defaults, **options}


def options_of(stage: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword options of a stage, by name, with their default and type."""
    parameters = inspect.signature(stage, eval_str=True).parameters
    return {name: one for name, one in parameters.items() if one.kind is one.KEYWORD_ONLY}


def check_option(name: str, value: Any, option: inspect.Parameter) -> None:
    """Refuse a value whose type the option does not take, before any stage computes with it.

    Raises:
        UsageError: naming the type or the choices.
    """
    wanted = option.annotation
    if get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            raise unknown(name, value, map(str, get_args(wanted)))
        return
    accepted = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    if not any(_is_a(value, kind) for kind in accepted):
        expected = " or ".join(_describe(kind) for kind in accepted)
        raise UsageError(f"{name} must be {expected}, not {value!r}.")


def _is_a(value: Any, kind: Any) -> bool:
    if get_origin(kind) is tuple:
        return isinstance(value, (tuple, list)) and all(_is_a(one, get_args(kind)[0]) for one in value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _describe(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return "a list of numbers such as 0.1,0.3"
    return {float: "a number", int: "a whole number", bool: "True or False"}.get(kind, "None")
