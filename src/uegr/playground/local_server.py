"""Serve the page of the playground on this machine, reachable from this machine only."""

import os
import re
from collections.abc import Mapping
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from uegr.errors import UsageError

HOST, FIRST_PORT = "127.0.0.1", 7860
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
"""Content security policy of every response: the browser fetches nothing from other hosts."""


HOSTS = {b"127.0.0.1", b"localhost", b"[::1]"}
"""Names under which a browser asks for the page; any other name was made to point to this machine by a foreign site."""
ELSEWHERE = "This page is for this machine only: open it as http://127.0.0.1 or http://localhost, with its port."


class OwnContentOnly:
    """Middleware that adds `POLICY` to every response of the server, and refuses what other sites make a browser send.

    A site that the user visits could otherwise upload files, and read the answers and example texts.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            await send(message)

        own = scope["type"] == "lifespan" or _is_from_page(scope.get("method", "GET"), dict(scope["headers"]))
        await (self.app if own else PlainTextResponse(ELSEWHERE, 403))(scope, receive, send_with_policy)


def _is_from_page(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request comes from the page itself, from a link to it, or from a program on this machine."""
    host = re.sub(rb":\d+$", b"", headers.get(b"host", b""))
    own_site = headers.get(b"sec-fetch-site", b"none") in (b"same-origin", b"none")  # a program sends no such header
    return host in HOSTS and (own_site or method in ("GET", "HEAD"))


def start_server(page: gr.Blocks, port: int | None = None, open_browser: bool = False) -> str:
    """Serve a page in the background and return its address; `page.close()` stops the server.

    Args:
        page: the result of `build_page`.
        port: port of the address; None takes the first free one from `FIRST_PORT` on.
        open_browser: open the page in the browser of this machine.

    Raises:
        UsageError: the port is in use.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    options: dict[str, Any] = {
        "server_name": HOST,
        "server_port": port,
        "inbrowser": open_browser,
        "share": False,
        "quiet": True,
        "prevent_thread_lock": True,
        "ssr_mode": False,  # it would start a second server, of Node.js
        "pwa": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": [],
        "theme": gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        "app_kwargs": {"middleware": [Middleware(OwnContentOnly)]},
    }
    try:
        _, address, _ = page.launch(**options)
    except OSError:
        taken = f"port {port} is" if port else f"the ports from {FIRST_PORT} on are"
        raise UsageError(f"{taken} in use: choose another with --port.") from None
    return str(address)
