"""The warning of an edit that changes no text."""

from __future__ import annotations

import random

import pytest

from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.perturb.edits_without_effect import WARN_AFTER, warn_no_effect
from uegr.perturb.row_editor import RowEditor
from uegr.perturb.views import Edit

TOKENIZER = make_tokenizer("wordpiece")


@pytest.mark.parametrize("name", ["characters", "contractions"])
def test_an_edit_that_changes_nothing_is_warned_of_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    editor, edits = RowEditor(TOKENIZER), [Edit(name, 0.5), Edit("mask", 0.5)]
    warn_no_effect.cache_clear()
    for text in ["a a a a"] * 2 * WARN_AFTER:
        editor.edit(TOKENIZER(text)["input_ids"], edits, random.Random(0))
    (message,) = caplog.messages
    assert f"the edit {name} has changed none of the first {WARN_AFTER} texts" in message


def test_an_edit_that_has_changed_a_text_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    editor = RowEditor(TOKENIZER)
    warn_no_effect.cache_clear()
    for text in [*SENTENCES, *["a a a a"] * 2 * WARN_AFTER]:
        editor.edit(TOKENIZER(text)["input_ids"], [Edit("characters", 0.5)], random.Random(1))
    assert not caplog.records
