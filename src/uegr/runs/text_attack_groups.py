"""Which text attacks of several runs are the same (attack, calibration, split, options), and what tables call them."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from uegr.errors import UsageError
from uegr.evaluation.attacks.perturbation_attack import PERTURBATION_ATTACKS
from uegr.modeling.metrics import METRICS
from uegr.runs.result_parts import TextAttackRecord
from uegr.runs.run_result import RunResult

TAKEN = {"clean", "robust", "typos", "area", *(metric.title.removesuffix(" %") for metric in METRICS.values())}
"""Headings of columns that are not of attacks, without their units; "typos": accuracy under random typing errors."""


def comparison_key(attack: TextAttackRecord) -> str:
    """Equal for the same attack on several runs: its name, whether it was calibrated, the data, and the options."""
    options = {name: float(value) if type(value) is int else value for name, value in _used_options(attack).items()}
    return f"{attack.key} {json.dumps(options, sort_keys=True)}"


def distinct_attacks(runs: Sequence[RunResult]) -> list[TextAttackRecord]:
    """Return one result of each attack on the text that any of the runs has."""
    return list({comparison_key(attack): attack for run in runs for attack in run.text_attacks}.values())


def attack_with_key(run: RunResult, key: str) -> TextAttackRecord | None:
    """Return the result of this run that has a `comparison_key`."""
    return next((attack for attack in run.text_attacks if comparison_key(attack) == key), None)


def distinct_names(attacks: Sequence[TextAttackRecord], name_of: Callable[[TextAttackRecord], str]) -> list[str]:
    """Return the name of each attack, with the options in which attacks of the same name differ."""
    names = []
    for attack in attacks:
        alike = [_used_options(other) for other in attacks if name_of(other) == name_of(attack)]
        differing = [
            f"{name.replace('_', ' ')} {value}"
            for name, value in _used_options(attack).items()
            if any(name not in options or options[name] != value for options in alike)
        ]
        names.append(f"{name_of(attack)} ({', '.join(differing)})" if differing else name_of(attack))
    return names


def _used_options(attack: TextAttackRecord) -> dict[str, Any]:
    """Return the options that have an effect: results of earlier versions hold the others, too."""
    kind = PERTURBATION_ATTACKS.get(attack.attack)
    unused = {} if kind is None else kind.without_effect(attack.options)
    return {name: value for name, value in attack.options.items() if name not in unused}


def heading_of(attack: TextAttackRecord) -> str:
    """Return the heading of the result of an attack in tables, without its unit."""
    return attack_heading(attack.attack) + attack.key.removeprefix(attack.attack)


def attack_heading(name: str) -> str:
    """Return the heading of an attack in tables, without its unit: "typos attack" beside the measure "typos"."""
    return f"{name} attack" if name in TAKEN else name


def check_distinct(names: Sequence[str]) -> None:
    """Raise a UsageError if two measures of a table have the same name."""
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two measures of the table are called '{name}': rename the attack of that name.")
