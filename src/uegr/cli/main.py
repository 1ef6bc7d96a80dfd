"""Entry point of the command line; an error is printed as one sentence, without a traceback."""

import sys

from rich.console import Console

from uegr.cli import (  # noqa: F401  # importing a command registers it
    analyse,
    attack,
    compare,
    demo,
    evaluate,
    methods,
    report,
    score,
    tasks,
    train,
    tune,
)
from uegr.cli.app import app
from uegr.errors import UegrError, UsageError
from uegr.libraries import silence_libraries


def main() -> None:
    """Run `uegr`. Exit code 2: an input cannot be used; 1: a training failed; 130: stopped with Ctrl-C."""
    silence_libraries()
    try:
        app()
    except UegrError as error:
        Console(stderr=True, soft_wrap=True).print(f"uegr: {error}", style="red", markup=False, highlight=False)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        Console(stderr=True).print("uegr: stopped.", style="red")
        sys.exit(130)


if __name__ == "__main__":
    main()
