"""Python files of the user's own that register methods: `uegr --code FILE`."""

import hashlib
import sys
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from uegr.errors import UegrError, UsageError
from uegr.methods.method_config import MethodConfig

IMPORTED: dict[Path, str] = {}
"""The imported files and the SHA-256 of each, as it was then, in hexadecimal digits."""


def import_code(file: Path) -> None:
    """Run a Python file, so that the methods which it registers can be named; a second time nothing happens.

    Files beside it can be imported from it, as from a script.

    Raises:
        UsageError: there is no such file, or it cannot be imported.
    """
    file = file.absolute()
    if file in IMPORTED:
        return
    if not file.is_file():
        raise UsageError(f"there is no file '{file}': give --code the path of a Python file.")
    name = f"uegr_code_{len(IMPORTED)}_{file.stem}"  # two files may have the same name in different folders
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"'{file}' is not a Python file: give --code a file whose name ends in .py.")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    module = module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickle look a class up
    sys.path.append(str(file.parent))
    try:
        spec.loader.exec_module(module)
    except UegrError:
        raise
    except SystemExit as error:
        raise UsageError(
            f"'{file}' is a script, and ended when it was imported: put what is not part of the method below "
            'if __name__ == "__main__".'
        ) from error
    except Exception as error:
        raise UsageError(f"'{file}' cannot be imported: {_in_words(error, file)}; correct the file.") from error
    IMPORTED[file] = digest


def imported_files() -> tuple[Path, ...]:
    """The files that were imported into this process, for other processes to import."""
    return tuple(IMPORTED)


def code_digests(config: type[MethodConfig]) -> list[str]:
    """The digests of the imported files that hold a method's configuration or one of its stages."""
    classes = (config, config.forward, config.backward)
    files = {getattr(sys.modules.get(cls.__module__), "__file__", None) for cls in classes}
    return [digest for file, digest in IMPORTED.items() if str(file) in files]


def _in_words(error: Exception, file: Path) -> str:
    """The kind of an error, its message, and the last line of the file that led to it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    where = f" in line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{where} ({' '.join(str(error).split())})"
