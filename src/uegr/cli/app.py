"""The application every command registers itself with."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Fine-tune language models so that they are accurate and hard to fool.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
