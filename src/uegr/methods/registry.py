"""The registry: every method is a forward stage and a backward stage, and its options are theirs."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from uegr.backward.backward_stage import BackwardStage
from uegr.backward.child_tuning_d import ChildTuningD
from uegr.backward.child_tuning_f import ChildTuningF
from uegr.backward.l2_sp import L2SP
from uegr.backward.mixout import Mixout
from uegr.backward.plain import PlainBackward
from uegr.backward.roast import RoASTBackward
from uegr.backward.rose import ROSEFirst, ROSESecond
from uegr.backward.sam import SAM
from uegr.backward.selective import SelectiveBackward
from uegr.errors import UsageError, unknown
from uegr.forward.adversarial import AdversarialForward
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.freelb import FreeLBForward
from uegr.forward.neftune import NEFTuneForward
from uegr.forward.plain import PlainForward
from uegr.forward.r3f import R3FForward
from uegr.forward.r_drop import RDropForward
from uegr.forward.roast import RoASTForward
from uegr.forward.smart import SMARTForward
from uegr.forward.uegr import UEGRForward
from uegr.methods.method import Method


@dataclass(frozen=True)
class Entry:
    """One line of the registry.

    Args:
        forward, backward: classes of the two stages; their keyword arguments are the method's options.
        summary: one sentence for `uegr methods`.
        paper: where the method comes from.
        defaults: options that differ from the stages' own defaults.
        revision: raise it when the method changes its numbers in a way that no option shows: its runs in comparisons
            are made again.
    """

    forward: Callable[..., ForwardStage]
    backward: Callable[..., BackwardStage]
    summary: str
    paper: str
    defaults: dict[str, Any] = field(default_factory=dict)
    revision: int = 0


METHODS: dict[str, Entry] = {
    "plain": Entry(PlainForward, PlainBackward, "Plain fine-tuning: cross-entropy, every weight.", "-"),
    "fgm": Entry(
        AdversarialForward, PlainBackward, "One-step adversarial sample beside the clean one.", "arXiv 1605.07725"
    ),
    "pgd": Entry(
        AdversarialForward,
        PlainBackward,
        "Adversarial sample of several steps from a random start, alone.",
        "arXiv 1706.06083",
        {"steps": 3, "random_start": True, "clean_weight": 0.0},
    ),
    "freelb": Entry(FreeLBForward, PlainBackward, "Mean error over K ascent steps, all counted.", "arXiv 1909.11764"),
    "smart": Entry(SMARTForward, PlainBackward, "Output must not move in a small ball.", "arXiv 1911.03437"),
    "r3f": Entry(R3FForward, PlainBackward, "Output must not move under random noise.", "arXiv 2008.03156"),
    "r-drop": Entry(RDropForward, PlainBackward, "Two dropout passes that must agree.", "arXiv 2106.14448"),
    "neftune": Entry(NEFTuneForward, PlainBackward, "Uniform noise on the embeddings.", "arXiv 2310.05914"),
    "child-tuning-f": Entry(
        PlainForward, ChildTuningF, "A fresh random part of the gradient each step.", "arXiv 2109.05687"
    ),
    "child-tuning-d": Entry(
        PlainForward, ChildTuningD, "Only the weights of highest Fisher information.", "arXiv 2109.05687"
    ),
    "mixout": Entry(PlainForward, Mixout, "Weights swapped for pretrained ones at random.", "arXiv 1909.11299"),
    "sam": Entry(PlainForward, SAM, "Gradient at the worst weights nearby.", "arXiv 2010.01412"),
    "rose-first": Entry(
        PlainForward, ROSEFirst, "Matrices that dropout noise pulls at stay as they are.", "arXiv 2210.09658"
    ),
    "rose-second": Entry(
        PlainForward, ROSESecond, "Matrices whose gradient leaves its mean stay as they are.", "arXiv 2210.09658"
    ),
    "roast": Entry(
        RoASTForward,
        RoASTBackward,
        "Adversarial sample tied to the clean one; mask drawn by importance.",
        "arXiv 2312.04032",
    ),
    "l2-sp": Entry(PlainForward, L2SP, "Weight decay towards the pretrained weights.", "arXiv 1802.01483"),
    "uegr": Entry(
        UEGRForward,
        SelectiveBackward,
        "Adversarial sample through k dropout sub-models tied by JS; saliency-selected update.",
        "arXiv 2503.16550",
        revision=1,  # the confidence of its adversary counts the most frequent label for nothing
    ),
}
PAIR = "+"
"""Joins the names of two methods: "freelb+roast" is the forward stage of one with the backward stage of the other."""


def entry_of(name: str) -> Entry:
    """The entry of a method, or of a pair "FORWARD+BACKWARD" of two methods' stages.

    Raises:
        UsageError: an unknown method.
    """
    names = name.split(PAIR)
    for one in names:
        if one not in METHODS:
            raise unknown("method", one, METHODS)
    if len(names) == 1:
        return METHODS[name]
    if len(names) > 2:
        raise UsageError(f"'{name}' names more than two stages: write FORWARD{PAIR}BACKWARD.")
    forward, backward = (METHODS[one] for one in names)
    defaults = {
        **{key: value for key, value in backward.defaults.items() if key in options_of(backward.backward)},
        **{key: value for key, value in forward.defaults.items() if key in options_of(forward.forward)},
    }
    summary = f"Forward stage of {names[0]}, backward stage of {names[1]}."
    papers = " and ".join(dict.fromkeys((forward.paper, backward.paper)))
    revision = max(forward.revision, backward.revision)
    return Entry(forward.forward, backward.backward, summary, papers, defaults, revision)


def create_method(name: str, *, seed: int = 0, total_steps: int | None = None, **options: Any) -> Method:
    """A method of the registry by name.

    Args:
        name: a key of `METHODS`, or a pair such as "freelb+roast".
        seed, total_steps: see `Method`.
        options: keyword arguments of its two stages.

    Raises:
        UsageError: an unknown method or option, or a value that a stage refuses.
    """
    entry = entry_of(name)
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
    entry = entry_of(name)
    known = {**options_of(entry.forward), **options_of(entry.backward)}
    return {**{key: one.default for key, one in known.items()}, **entry.defaults, **options}


def options_of(stage: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword options of a stage, by name, with their default and type."""
    parameters = inspect.signature(stage, eval_str=True).parameters
    return {name: one for name, one in parameters.items() if one.kind is one.KEYWORD_ONLY}


def described(stage: Callable[..., Any]) -> dict[str, str]:
    """What the docstring of a stage says of each option, under its "Args:"; options that share an entry share its text,
    and where that is "see `Part`" the part's docstring is asked."""
    _, _, block = (inspect.getdoc(stage) or "").partition("Args:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in block.splitlines():
        entry = re.match(r" {4}(\w+(?:, \w+)*): (.*)", line)
        if entry:
            names = entry[1].split(", ")
            found |= dict.fromkeys(names, entry[2])
        elif names and line.startswith(" " * 8):
            found |= dict.fromkeys(names, f"{found[names[0]]} {line.strip()}")
        else:
            names = []
    for name, text in found.items():
        other = re.match(r"see `(\w+)`", text)
        part = getattr(sys.modules[stage.__module__], other[1], None) if other else None
        if part is not None:
            found[name] = described(part).get(name, text)
    return found


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
    return isinstance(value, get_origin(kind) or kind)


def _describe(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return "a list of numbers such as 0.1,0.3"
    if get_origin(kind) is dict:
        return "a mapping"
    return {float: "a number", int: "a whole number", bool: "True or False"}.get(kind, "None")
