"""Models of texts that are opened by a folder or a hub name."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Any

import pytest

from uegr.runs import open_classifier


def test_model_and_tokenizer_of_a_hub_name_are_asked_for_with_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the string of Path("org/model") has a backslash."""
    path: Any = PureWindowsPath("org/model")

    class AskedError(Exception): ...

    def load_tokenizer(name: str, **_: Any) -> None:
        raise AskedError(name)

    monkeypatch.setattr(open_classifier, "load_trained", lambda _path, **_: None)
    monkeypatch.setattr(open_classifier, "load_tokenizer", load_tokenizer)
    with pytest.raises(AskedError, match="^org/model$"):
        open_classifier._checkpoint(path, batch_size=1, trust_remote_code=False)
