"""A model of the hub that cannot be opened: the reason of the library, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError
from transformers import AutoTokenizer

from uegr.errors import UsageError
from uegr.modeling.model_loading import load_tokenizer


def of_hub(kind: type[Exception]) -> Exception:
    """An error of the hub, as transformers raises it: an OSError with the cause."""
    error = OSError("You are trying to access a gated repo.\nMake sure to have access to it.")
    error.__cause__ = kind.__new__(kind, "401 Client Error")
    return error


def fails_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def from_pretrained(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", from_pretrained)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (of_hub(GatedRepoError), "gated repo. Make sure to have access to it): ask for access"),
        (ImportError("T5Tokenizer requires the SentencePiece library."), "SentencePiece library): install the package"),
        (ValueError("You need to have sentencepiece or tiktoken installed."), "installed): install the package"),
        (OSError("model does not appear to have a file named config.json."), "named config.json): correct what"),
    ],
)
def test_the_reason_of_the_library_is_told(error: Exception, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(error, monkeypatch)
    with pytest.raises(UsageError) as caught:
        load_tokenizer("someone/model")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and "was found neither" not in str(caught.value)


@pytest.mark.parametrize("kind", [RepositoryNotFoundError, LocalEntryNotFoundError])
def test_a_model_that_is_not_there_is_not_found(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(of_hub(kind), monkeypatch)
    with pytest.raises(UsageError, match="'someone/model' was found neither as a folder nor on a hub"):
        load_tokenizer("someone/model")


def test_a_folder_whose_own_model_is_not_there_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one of adapters."""
    (tmp_path / "adapter_config.json").write_text("{}")
    fails_with(of_hub(LocalEntryNotFoundError), monkeypatch)
    with pytest.raises(UsageError, match="cannot be opened"):
        load_tokenizer(str(tmp_path))


def test_missing_memory_is_no_fault_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(torch.OutOfMemoryError("CUDA out of memory."), monkeypatch)
    with pytest.raises(torch.OutOfMemoryError):
        load_tokenizer("someone/model")
