"""Numbers of a run that several pages show."""

from collections.abc import Sequence

from uegr.runs.run_result import RunResult


def accuracy_under(run: RunResult, name: str) -> float:
    """The accuracy of a run under an attack on the text."""
    return float(next(attack.accuracy for attack in run.text_attacks if attack.attack == name))


def mean_under(run: RunResult, names: Sequence[str]) -> float:
    """The mean accuracy of a run under several attacks on the text."""
    return sum(accuracy_under(run, name) for name in names) / len(names)
