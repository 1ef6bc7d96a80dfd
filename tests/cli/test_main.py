"""The entry point: version, help, and a start without the large libraries."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from support.command_line import error_of, run
from uegr.cli.terminal import console

PROGRAM = """
import resource, sys
from uegr.cli.main import main
sys.argv = ["uegr", *sys.argv[1:]]
try:
    main()
finally:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    loaded = [name for name in ("torch", "transformers", "datasets", "numpy", "scipy") if name in sys.modules]
    print(f"{usage.ru_utime + usage.ru_stime:.2f} {','.join(loaded)}", file=sys.stderr)
"""


def test_the_version_is_the_same_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    words = capsys.readouterr().out.split()
    assert words == ["uegr", version("uegr")]
    citation = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {words[1]}\n" in citation


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help_imports_no_large_library_and_takes_less_than_a_second(arguments: list[str]) -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    assert "Fine-tune" in result.stdout
    seconds, _, loaded = result.stderr.strip().partition(" ")
    assert loaded == ""
    assert float(seconds) < 1.0


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_a_closed_pipe_is_no_error(arguments: list[str]) -> None:
    """As in `uegr --help | head`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "uegr.cli.main", *arguments]
    result = subprocess.run(command, check=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_without_room_is_named_with_its_file(
    reason: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise OSError(reason, os.strerror(reason), "runs/a/results.json")

    monkeypatch.setattr("uegr.cli.main.app", command)
    assert "while 'runs/a/results.json' was written: make room and run the same command again" in error_of(capsys, [])


def test_every_option_has_a_help_text() -> None:
    import typer

    from uegr.cli.app import app

    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
    ],
    ids=["python", "gpu", "cpu"],
)
def test_missing_memory_is_told_in_one_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app() -> None:
        raise error

    monkeypatch.setattr("uegr.cli.main.app", app)
    assert "not enough memory: give a smaller --batch_size" in error_of(capsys, ["evaluate", "run"])


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at once")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_told_in_one_word(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr(console, "print", stopped)
    assert error_of(capsys, ["methods"], code=130) == "uegr: stopped.\n"
