"""The kinds of task by name; `uegr.modeling.task_kinds` has what each does."""

from typing import Literal

Kind = Literal["classification", "regression", "multi_label", "token", "seq2seq", "causal_lm"]
TARGET_PER_TEXT: tuple[Kind, ...] = ("classification", "regression", "multi_label")
"""The kinds whose targets stay true when a word of the text is edited."""

IGNORED_LABEL = -100
"""Hugging Face's label of positions that are no target."""
