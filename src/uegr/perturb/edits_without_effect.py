"""A warning of edits that change no text, such as a list of English words on texts of another language."""

import logging
from functools import cache

WARN_AFTER = 200
"""An edit that changed none of this many texts, from the first one on, is reported in the log."""
logger = logging.getLogger("uegr")


class EffectCount:
    """Counts the texts that an edit leaves as they are, until it has changed one.

    Args:
        tokenizer: name of the tokenizer, for which there is one warning per edit.
    """

    def __init__(self, tokenizer: str) -> None:
        self._tokenizer = tokenizer
        self._unchanged: dict[str, int | None] = {}
        """Edit -> number of texts that it has not changed; None as soon as it has changed one, or was warned of."""

    def add(self, edit: str, *, changed: bool) -> None:
        """Count a text that an edit has changed or not, and warn of an edit that changes nothing."""
        texts = self._unchanged.get(edit, 0)
        self._unchanged[edit] = None if changed or texts is None else texts + 1
        if self._unchanged[edit] == WARN_AFTER:
            self._unchanged[edit] = None
            warn_no_effect(edit, self._tokenizer)


@cache  # one warning, though a second editor measures the cost of a step
def warn_no_effect(edit: str, tokenizer: str) -> None:
    """Warn of an edit that changes nothing with the tokenizer of this name."""
    logger.warning(
        "the edit %s has changed none of the first %d texts: choose another for this language and tokenizer "
        "(lists of words are English, and a tokenizer may read each Chinese character as a word).",
        edit,
        WARN_AFTER,
    )
