"""The model's own `problem_type` decides the loss, as in Hugging Face's models."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

from conftest import batch, bert
from uegr.modeling.task_kinds.detection import task_kind_of


@pytest.mark.parametrize(
    ("problem_type", "outputs", "labels"),
    [
        ("regression", 3, torch.rand(4, 3)),
        ("regression", 1, torch.rand(4)),
        ("multi_label_classification", 1, torch.tensor([[1.0], [0.0], [1.0], [1.0]])),
        ("multi_label_classification", 3, torch.randint(0, 2, (4, 3)).float()),
        ("single_label_classification", 3, torch.tensor([0, 1, 2, 1])),
        (None, 1, torch.rand(4)),
        (None, 3, torch.tensor([0, 1, 2, 1])),
        (None, 3, torch.randint(0, 2, (4, 3)).float()),
    ],
)
def test_the_loss_is_that_of_the_model(problem_type: str | None, outputs: int, labels: Tensor) -> None:
    model = bert(dropout=0.0, labels=outputs, problem_type=problem_type)
    output = model(**{**batch(), "labels": labels})
    task = task_kind_of(model, output.logits, labels)
    torch.testing.assert_close(task.mean(task.loss(output.logits)), output.loss)


def test_whole_numbers_may_say_which_labels_are_present() -> None:
    model = bert(dropout=0.0, labels=3, problem_type="multi_label_classification")
    labels = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
    logits = model(**{key: value for key, value in batch().items() if key != "labels"}).logits
    task, as_floats = task_kind_of(model, logits, labels), task_kind_of(model, logits, labels.float())
    torch.testing.assert_close(task.mean(task.loss(logits)), as_floats.mean(as_floats.loss(logits)))


def test_logits_of_a_prompt_before_the_tokens_are_left_out() -> None:
    """Prompt tuning puts virtual tokens before the text: the logits are longer than the labels."""
    sizes: dict[str, Any] = {"vocab_size": 9, "n_embd": 8, "n_layer": 1, "n_head": 2}
    model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)).eval()
    ids = torch.tensor([[1, 2, 3, 4], [4, 3, 2, 1]])
    logits = model(input_ids=ids).logits
    longer = torch.cat([torch.randn(2, 5, 9), logits], dim=1)
    task = task_kind_of(model, longer, ids)
    short = task_kind_of(model, logits, ids)
    torch.testing.assert_close(task.mean(task.loss(longer)), short.mean(short.loss(logits)))
    torch.testing.assert_close(task.confidence(longer), short.confidence(logits))


def test_any_module_without_a_config_is_told_by_its_shapes() -> None:
    task = task_kind_of(nn.Module(), torch.randn(3, 5, 4), torch.zeros(3, 5, dtype=torch.long))
    assert type(task).__name__ == "Tokens"
