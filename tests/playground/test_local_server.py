"""The server listens on this machine only and says what a page may load."""

from __future__ import annotations

import socket
from urllib.request import urlopen

import pytest

from support.played import played
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel

pytest.importorskip("gradio", reason="needs gradio: pip install 'uegr[playground]'")
from uegr.playground.local_server import HOST, POLICY, start_server
from uegr.playground.playground_page import build_page


def test_the_address_is_local_and_every_answer_has_the_policy(evaluated: EvaluatedModel) -> None:
    page = build_page(played(evaluated), [])
    address = start_server(page)
    try:
        assert address.startswith(f"http://{HOST}:")
        assert page.share_url is None
        for path in ("", "config", "theme.css"):
            with urlopen(address + path) as answer:
                assert answer.headers["Content-Security-Policy"] == POLICY, path
    finally:
        page.close(verbose=False)


def test_a_port_in_use_is_named(evaluated: EvaluatedModel) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is in use: choose another with --port"):
            start_server(build_page(played(evaluated), []), port)
