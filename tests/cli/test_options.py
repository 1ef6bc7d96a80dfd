"""Option values are read as Python values."""

from __future__ import annotations

from uegr.cli.options import method_options


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
