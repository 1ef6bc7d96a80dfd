"""Paths in YAML files."""

from pathlib import Path

import pytest

from uegr.data.expanded_paths import expanded_path
from uegr.errors import UsageError


def test_a_path_is_read_as_in_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("HOME", "USERPROFILE", "MODELS"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert expanded_path("model", "~/mine") == expanded_path("model", "$MODELS/mine") == f"{tmp_path}/mine"
    assert expanded_path("model", "org/name") == "org/name"
    with pytest.raises(UsageError, match=r"^model '\$NOT_SET/mine' needs the environment variable NOT_SET: set it"):
        expanded_path("model", "$NOT_SET/mine")
