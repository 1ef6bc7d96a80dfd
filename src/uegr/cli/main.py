"""Entry point of the command line; an error is printed as one sentence, without a traceback."""

import errno
import logging
import signal
import sys
import traceback

STOPPED = 130

try:
    from uegr.cli import (  # noqa: F401  # importing a command registers it
        analyse,
        attack,
        compare,
        demo,
        evaluate,
        gate,
        harden,
        methods,
        playground,
        predict,
        report,
        score,
        tasks,
        train,
        tune,
    )
    from uegr.cli.app import app
    from uegr.cli.output_encoding import print_every_character
    from uegr.cli.terminal import PlainConsole, without_control
    from uegr.errors import UegrError, UsageError, is_out_of_memory
    from uegr.libraries import silence_libraries
    from uegr.training.stop_signals import on_signal
except KeyboardInterrupt:  # the imports take half a second
    sys.exit(STOPPED)

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Errors of a full disk, of a quota, and of a limit of file sizes."""
NO_MEMORY = (
    "the GPU or this machine has not enough memory: give a smaller --batch_size, or end other programs that need it."
)


def main() -> None:
    """Run `uegr`.

    Exit codes: 0 success; 1 a training or a gate failed, or a training, grid or search was stopped and can be continued
    (Ctrl-C, a full disk); 2 an input or a file cannot be used, or the memory is too small; 3 a bug in uegr, printed
    with its traceback; 130 anything else was stopped with Ctrl-C or SIGTERM.
    """
    silence_libraries()
    print_every_character(sys.stdout, sys.stderr)
    logging.getLogger("uegr").addFilter(without_control)
    try:
        with on_signal(signal.default_int_handler):  # SIGTERM as well: files that are half written are removed
            app()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # `uegr --help | head`: rich and typer exit with 1
            sys.exit(0)
        if end.code == STOPPED:  # typer's exit code of Ctrl-C
            _say("stopped.")
        raise
    except UegrError as error:
        _say(str(error))
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except (OSError, UnicodeError) as error:
        _say(_in_words(error))
        sys.exit(2)
    except Exception as error:  # noqa: BLE001  # the traceback is shown
        if is_out_of_memory(error):
            _say(NO_MEMORY)
            sys.exit(2)
        traceback.print_exc()
        _say("this is a bug in uegr: please report it with the lines above.")
        sys.exit(3)


def _say(message: str) -> None:
    PlainConsole(stderr=True, soft_wrap=True).print(f"uegr: {message}", style="red", highlight=False)


def _in_words(error: OSError | UnicodeError) -> str:
    """Say in one sentence which file cannot be read or written, and why."""
    if isinstance(error, UnicodeError):
        return "a name or a text holds bytes that are not UTF-8: rename the file, or write it in UTF-8."
    if error.errno in NO_ROOM:
        return (
            f"the disk is full, or a limit is reached, while {_name_of(error)} was written: make room and run the same "
            "command again."
        )
    reason = (error.strerror or str(error)).lower()
    return f"{_name_of(error)} cannot be used ({reason}): name another file or folder."


def _name_of(error: OSError) -> str:
    return f"'{error.filename}'" if error.filename else "a file"


if __name__ == "__main__":
    main()
