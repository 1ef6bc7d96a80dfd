"""A skip that is not on the list fails a run on CI; one that is on it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.allowed_skips import LIST, read_allowed

CONFTEST = """
from support.allowed_skips import SkipCheck

def pytest_configure(config):
    config.pluginmanager.register(SkipCheck(["needs a telescope"]))
"""
SKIPS = {
    "test_skips.py": "import pytest\ndef test_it():\n    pytest.skip('{reason}')",
    "test_is_marked.py": "import pytest\n@pytest.mark.skipif(True, reason='{reason}')\ndef test_it(): ...",
    "test_module.py": "import pytest\npytest.skip('{reason}', allow_module_level=True)",
    "test_passes.py": "def test_it(): ...",
}


@pytest.mark.parametrize(("reason", "refused"), [("needs a telescope", 0), ("needs a microscope", 3)])
def test_a_skip_without_an_allowed_reason_fails_the_run(reason: str, refused: int, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name, program in SKIPS.items():
        (tmp_path / name).write_text(program.format(reason=reason))
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "xdist.plugin", "--numprocesses", "1", str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == bool(refused), result.stdout
    assert result.stdout.count(f"was skipped on CI ({reason}): install what it needs") == refused


def test_every_allowed_skip_has_its_reason() -> None:
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert len(lines) == len(read_allowed())
    assert all(len(line.split(" | ")) == 2 for line in lines)
