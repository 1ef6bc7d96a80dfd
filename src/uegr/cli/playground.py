"""uegr playground."""

from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from uegr.cli.app import app, option
from uegr.cli.shared_options import MaxLengthOption, TrustOption
from uegr.cli.terminal import console
from uegr.errors import UsageError


@app.command()
def playground(
    models: Annotated[
        list[Path],
        typer.Argument(help="One or two runs, or folders of a Hugging Face classifier.", metavar="MODELS..."),
    ],
    port: Annotated[
        int | None,
        option("--port", "Port on this machine. Default: the first free one from 7860 on.", min=1, max=65535),
    ] = None,
    open_browser: Annotated[bool, option("--open/--no_open", "Open the page in the browser.")] = True,
    text_column: Annotated[str | None, option("--text_column", "Name of the text. Default: the run's.")] = None,
    text_pair_column: Annotated[
        str | None, option("--text_pair_column", "Name of the second text, for models that read two.")
    ] = None,
    max_length: MaxLengthOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Open a page to type, perturb and attack texts and see the predictions of one or two models."""
    if find_spec("gradio") is None:
        raise UsageError("uegr playground needs gradio: pip install 'uegr[playground]'.")
    from uegr.playground.example_texts import draw_examples
    from uegr.playground.local_server import start_server
    from uegr.playground.playground_models import open_models
    from uegr.playground.playground_page import build_page

    opened = open_models(models, text_column, text_pair_column, max_length, trust_remote_code=trust_remote_code)
    page = build_page(opened, draw_examples(opened))
    address = start_server(page, port, open_browser)
    console.print(f"The playground is at {address} until Ctrl-C.", highlight=False, soft_wrap=True)
    try:
        Event().wait()
    finally:
        page.close(verbose=False)
