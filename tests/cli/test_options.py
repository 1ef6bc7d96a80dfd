"""Option values are read as Python values."""

from __future__ import annotations

import pytest

from uegr.cli.options import method_options
from uegr.errors import UsageError


def test_method_options_are_read_as_python_reads_them() -> None:
    arguments = [
        "--epsilon",
        "1e-2",
        "--dropout",
        "0.1,0.3",
        "--adversary=false",
        "--norm",
        "linf",
        "--step-size",
        "None",
    ]
    assert method_options(arguments) == {
        "epsilon": 0.01,
        "dropout": (0.1, 0.3),
        "adversary": False,
        "norm": "linf",
        "step_size": None,
    }


@pytest.mark.parametrize("arguments", [["--epsilon"], ["--epsilon="], ["--epsilon=", "--norm", "linf"]])
def test_an_option_without_a_value_takes_no_other_argument(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match="--epsilon is not an option of this command, or its value is missing"):
        method_options(arguments)
