"""The kinds of task by name; `uegr.modeling.task_kinds` has what each does."""

from typing import Literal

Kind = Literal["classification", "regression", "multi_label", "token", "seq2seq", "causal_lm"]
TARGET_PER_TEXT: tuple[Kind, ...] = ("classification", "regression", "multi_label")
"""The kinds whose targets are still right after a word of the text is edited."""

KIND_TITLES: dict[Kind, str] = {
    "classification": "text classification",
    "regression": "regression",
    "multi_label": "multi-label classification",
    "token": "token classification",
    "seq2seq": "sequence-to-sequence generation",
    "causal_lm": "causal language modeling",
}
"""The kinds in messages, in the words of Hugging Face's tasks."""

IGNORED_LABEL = -100
"""Hugging Face's label of positions that are not a target."""
