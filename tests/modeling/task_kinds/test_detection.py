"""The kind of task follows from the shapes and types of logits and labels, and from the model's class."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
)

from uegr.modeling.task_kinds.classification import Classification
from uegr.modeling.task_kinds.detection import is_one_target_per_example, task_kind_of
from uegr.modeling.task_kinds.multi_label import MultiLabel
from uegr.modeling.task_kinds.regression import Regression
from uegr.modeling.task_kinds.task_kind import TaskKind
from uegr.modeling.task_kinds.text_generation import CausalGeneration
from uegr.modeling.task_kinds.tokens import Tokens


@pytest.mark.parametrize(
    ("logits", "labels", "kind"),
    [
        (torch.zeros(3, 2), torch.tensor([0, 1, 0]), Classification),
        (torch.zeros(3, 1), torch.tensor([0.5, 1.0, 2.0]), Regression),
        (torch.zeros(3, 4), torch.rand(3, 4), MultiLabel),
        (torch.zeros(3, 5, 4), torch.zeros(3, 5, dtype=torch.long), Tokens),
    ],
)
def test_kinds_are_read_off_shapes_and_types(logits: Tensor, labels: Tensor, kind: type[TaskKind]) -> None:
    assert type(task_kind_of(nn.Module(), logits, labels)) is kind


def gpt2() -> PreTrainedModel:
    sizes = {"vocab_size": 9, "n_embd": 8, "n_layer": 1, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}
    return GPT2LMHeadModel(GPT2Config(**sizes))


def t5() -> PreTrainedModel:
    sizes = {"vocab_size": 9, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
    return T5ForConditionalGeneration(T5Config(**sizes, decoder_start_token_id=0))


@pytest.mark.parametrize(("make", "kind"), [(gpt2, CausalGeneration), (t5, Tokens)])
def test_labels_of_causal_language_models_are_shifted_and_those_of_others_are_not(make: type, kind: type) -> None:
    """Our loss is that of the model's own class."""
    model, ids = make().eval(), torch.tensor([[1, 2, 3, 4]])
    output = model(input_ids=ids, labels=ids)
    task = task_kind_of(model, output.logits, ids)
    assert isinstance(task, kind)
    torch.testing.assert_close(task.mean(task.loss(output.logits)), output.loss)


@pytest.mark.parametrize(("classes", "kind"), [(9, CausalGeneration), (4, Tokens)])
def test_a_module_around_a_language_model_has_its_kind_unless_it_has_its_own_head(classes: int, kind: type) -> None:
    logits, labels = torch.zeros(3, 5, classes), torch.zeros(3, 5, dtype=torch.long)
    assert type(task_kind_of(nn.Sequential(gpt2(), nn.Linear(8, 4)), logits, labels)) is kind


def test_class_weights_reach_the_kind() -> None:
    weights = torch.tensor([1.0, 2.0])
    assert task_kind_of(nn.Module(), torch.zeros(2, 2), torch.tensor([0, 1]), weights).class_weights is weights


@pytest.mark.parametrize("labels", [torch.ones(3, 4), torch.ones(3, 4, dtype=torch.long), torch.ones(3)])
def test_whether_an_example_is_one_target_is_known_before_the_logits(labels: Tensor) -> None:
    model = nn.Module()
    model.config = GPT2Config(problem_type="multi_label_classification")  # type: ignore[assignment]
    assert is_one_target_per_example(model, labels)
    assert is_one_target_per_example(nn.Module(), labels) == labels.is_floating_point()
