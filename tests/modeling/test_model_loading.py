"""Names and folders of models."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest

from uegr.errors import UsageError
from uegr.modeling.model_loading import load_trained, name_or_folder


def test_a_hub_name_has_slashes_on_windows_too() -> None:
    assert str(PureWindowsPath("org/model")) == "org\\model"
    assert name_or_folder(PureWindowsPath("org/model")) == "org/model"
    with pytest.raises(UsageError, match="^model 'org/model' was found neither as a folder nor on a hub"):
        load_trained(PureWindowsPath("org/model"))


def test_a_folder_stays_as_it_is(tmp_path: Path) -> None:
    assert name_or_folder(tmp_path) == str(tmp_path)
