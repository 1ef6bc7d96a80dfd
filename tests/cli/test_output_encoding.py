"""Output into a file or a terminal whose encoding lacks some of the characters."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from support.command_line import run
from uegr.cli.output_encoding import print_every_character
from uegr.cli.terminal import console


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", r"v 2.1 +- 0.3 x - caf\xe9 \u6587 \U0001f600"),
        ("cp1252", r"v 2.1 ± 0.3 × – café \u6587 \U0001f600"),
        ("utf-8", "▼ 2.1 ± 0.3 × – café 文 \U0001f600"),
    ],
)
def test_every_character_can_be_printed(encoding: str, printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding=encoding) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)

    def command() -> None:
        console.print("▼ 2.1 ± 0.3 × – café 文 \U0001f600", soft_wrap=True)
        raise SystemExit(0)

    monkeypatch.setattr("uegr.cli.main.app", command)
    assert run([]) == 0
    streams["stdout"].flush()
    assert streams["stdout"].buffer.getvalue().decode(encoding) == printed + "\n"  # type: ignore[attr-defined]
    assert not streams["stderr"].buffer.getvalue()  # type: ignore[attr-defined]


def test_a_command_prints_its_table_in_ascii() -> None:
    """As of a user with PYTHONIOENCODING=ascii: datasets that are not here have a sign that ASCII lacks."""
    command = [sys.executable, "-m", "uegr.cli.main", "tasks"]
    ended = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"") and b" - " in ended.stdout


def test_a_stream_with_a_choice_of_its_own_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or no stream at all."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr("uegr.cli.main.app", lambda: sys.exit(0))
    assert run([]) == 0
    assert stream.errors == "replace"


def test_the_locale_c_prints_symbols_and_the_bytes_of_names() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="surrogateescape")
    print_every_character(stream)
    stream.write("2 × ä " + os.fsdecode(b"caf\xe9") + "×")
    stream.flush()
    assert stream.buffer.getvalue() == b"2 x \\xe4 caf\xe9x"  # type: ignore[attr-defined]
