"""Outputs that do not fit the labels are refused, with what to give instead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from datasets import Dataset
from torch import Tensor, nn

from support.reviews import tokenizer
from uegr.errors import UsageError
from uegr.evaluation.evaluator import evaluate


class Outputs(nn.Module):
    """The mean embedding, and a number of outputs; without a configuration."""

    def __init__(self, outputs: int, tokens: int) -> None:
        super().__init__()
        self.embeddings, self.head = nn.Embedding(tokens, 8), nn.Linear(8, outputs)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings

    def forward(self, input_ids: Tensor | None = None, inputs_embeds: Tensor | None = None, **_: Any) -> Any:
        embeds = self.embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        return SimpleNamespace(logits=self.head(embeds.mean(dim=1)))


@pytest.mark.parametrize(
    ("outputs", "labels", "message"),
    [
        (1, [0, 1], "the model has one output, and a classifier one for each class: give kind='regression'"),
        (2, [0, 4], "there is a label 4, and the model has the classes 0 to 1"),
        (2, [0.5, 1.0], "a model for regression has one output, and this one has 2"),
        (3, [[0, 1], [1, 1]], "the labels are lists of 2 numbers, and the model has 3 outputs"),
        (1, [[0, 1], [1, 1]], "the labels are lists of 2 numbers, and the model has 1 outputs"),
    ],
)
def test_outputs_that_do_not_fit_the_labels_are_refused(outputs: int, labels: list[Any], message: str) -> None:
    words = tokenizer()
    rows = Dataset.from_dict({"text": ["a film", "a plot"] * 4, "label": labels * 4})
    with pytest.raises(UsageError, match=message):
        evaluate(Outputs(outputs, len(words)), words, rows)


def test_a_positive_label_is_for_classes() -> None:
    words = tokenizer()
    rows = Dataset.from_dict({"text": ["a film", "a plot"] * 4, "label": [0.5, 1.0] * 4})
    with pytest.raises(UsageError, match="a model for regression has no classes: leave positive_label out"):
        evaluate(Outputs(1, len(words)), words, rows, positive_label="good")
