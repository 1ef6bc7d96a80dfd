"""The server listens on this machine only and says what a page may load."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from support.playground_models import models_of_page
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel

pytest.importorskip("gradio", reason="needs gradio: pip install 'uegr[playground]'")
from uegr.playground.local_server import HOST, POLICY, start_server
from uegr.playground.playground_page import build_page


@pytest.fixture(scope="module")
def address(evaluated: EvaluatedModel) -> Iterator[str]:
    """The address of a page that is served."""
    page = build_page(models_of_page(evaluated), [])
    yield start_server(page)
    page.close(verbose=False)


def status_of(request: Request) -> int:
    try:
        with urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_the_address_is_local_and_every_answer_has_the_policy(evaluated: EvaluatedModel) -> None:
    page = build_page(models_of_page(evaluated), [])
    address = start_server(page)
    try:
        assert address.startswith(f"http://{HOST}:")
        assert page.share_url is None
        for path in ("", "config", "theme.css"):
            with urlopen(address + path) as answer:
                assert answer.headers["Content-Security-Policy"] == POLICY, path
    finally:
        page.close(verbose=False)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("config", {}, 200),
        ("config", {"Host": "localhost:7860"}, 200),
        ("", {"Sec-Fetch-Site": "cross-site"}, 200),  # a link
        ("config", {"Host": "evil.example"}, 403),  # a name that its owner has pointed to this machine
        ("config", {"Host": "localhost.evil.example:7860"}, 403),
    ],
)
def test_the_page_is_read_under_names_of_this_machine_only(
    path: str, headers: dict[str, str], status: int, address: str
) -> None:
    assert status_of(Request(address + path, headers=headers)) == status


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), (None, 200)]
)
def test_no_other_site_sends_files(site: str | None, status: int, address: str) -> None:
    body = '--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x", **({} if site is None else {"Sec-Fetch-Site": site})}
    assert status_of(Request(f"{address}gradio_api/upload", body.encode(), headers)) == status


def test_a_port_in_use_is_named(evaluated: EvaluatedModel) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is in use: choose another with --port"):
            start_server(build_page(models_of_page(evaluated), []), port)
