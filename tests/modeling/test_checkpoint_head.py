"""A checkpoint's trained head keeps its meaning in a task: its outputs follow their classes, or are drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
    ElectraConfig,
    GPT2Config,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
    T5Config,
    XLNetConfig,
)

from conftest import tokenizer
from support.small_models import bert
from uegr.data.kind import Kind
from uegr.data.user_data import load_files
from uegr.modeling.checkpoint_head import order_of_classes
from uegr.modeling.model_folder import new_weights_of
from uegr.modeling.model_loading import load_classifier, load_trained
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig

SMALL = {
    **{"vocab_size": 20, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    **{"pad_token_id": 0},
}
MODERN = {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
FAMILIES: dict[str, tuple[PreTrainedConfig, str]] = {
    "bert": (BertConfig(**SMALL), "classifier"),
    "electra": (ElectraConfig(**SMALL, embedding_size=16), "classifier.out_proj"),
    "gpt2": (GPT2Config(vocab_size=20, n_embd=16, n_layer=1, n_head=2, pad_token_id=0), "score"),
    "modernbert": (ModernBertConfig(**SMALL, **MODERN), "classifier"),
    "roberta": (RobertaConfig(**SMALL), "classifier.out_proj"),
    "t5": (
        T5Config(vocab_size=20, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0),
        "classification_head.out_proj",
    ),
    "xlnet": (XLNetConfig(vocab_size=20, d_model=16, n_layer=1, n_head=2, d_inner=16), "logits_proj"),
}
OWN = ["pos", "neg", "mid"]


def saved(
    folder: Path, config: PreTrainedConfig, names: Sequence[str], auto: Any = AutoModelForSequenceClassification
) -> PreTrainedModel:
    """A classifier with random weights, in a folder."""
    torch.manual_seed(7)
    config.id2label, config.label2id = dict(enumerate(names)), {name: i for i, name in enumerate(names)}
    model: PreTrainedModel = auto.from_config(config)
    model.save_pretrained(folder)
    return model


def output(model: nn.Module, layer: str) -> list[Tensor]:
    return [parameter.detach() for parameter in model.get_submodule(layer).parameters()]


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_follow_their_classes(family: str, tmp_path: Path) -> None:
    config, layer = FAMILIES[family]
    checkpoint = saved(tmp_path, config, OWN)
    model = load_classifier(str(tmp_path), ["mid", "neg", "pos"], seed=0)
    assert model.config.id2label == {0: "mid", 1: "neg", 2: "pos"} and new_weights_of(model) == []
    for weight, own in zip(output(model, layer), output(checkpoint, layer), strict=True):
        torch.testing.assert_close(weight, own[[2, 1, 0]], rtol=0, atol=0)
    checkpoint_weights = checkpoint.state_dict()
    for name, weight in model.state_dict().items():
        assert name.startswith(layer) or torch.equal(weight, checkpoint_weights[name]), name
    assert load_trained(tmp_path).config.id2label[0] == "pos", "a model that is used keeps its own order"


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_of_other_classes_are_drawn_as_in_a_head_of_another_size(family: str, tmp_path: Path) -> None:
    config, layer = FAMILIES[family]
    saved(tmp_path / "three", config, OWN)
    saved(tmp_path / "two", config, ["a", "b"])
    model, expected = (load_classifier(str(tmp_path / n), ["x", "y", "z"], seed=3) for n in ("three", "two"))
    assert new_weights_of(model) == new_weights_of(expected) != []
    for weight, drawn in zip(output(model, layer), output(expected, layer), strict=True):
        torch.testing.assert_close(weight, drawn, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["token", "multi_label"])
def test_outputs_of_other_kinds_of_task_follow_too(kind: Kind, tmp_path: Path) -> None:
    auto = AutoModelForTokenClassification if kind == "token" else AutoModelForSequenceClassification
    checkpoint = saved(tmp_path, FAMILIES["bert"][0], ["B-PER", "I-PER", "O"], auto)
    model = load_classifier(str(tmp_path), ["O", "B-PER", "I-PER"], 0, kind=kind)
    for weight, own in zip(output(model, "classifier"), output(checkpoint, "classifier"), strict=True):
        torch.testing.assert_close(weight, own[[2, 0, 1]], rtol=0, atol=0)


def test_a_model_from_scratch_that_was_trained_follows_too(tmp_path: Path) -> None:
    checkpoint = load_classifier("textcnn", ["pos", "neg"], seed=0, vocab_size=30)
    checkpoint.save_pretrained(tmp_path)
    swapped, new = (load_classifier(str(tmp_path), names, seed=0) for names in (["neg", "pos"], ["no", "yes"]))
    for weight, own in zip(output(swapped, "classifier"), output(checkpoint, "classifier"), strict=True):
        torch.testing.assert_close(weight, own[[1, 0]], rtol=0, atol=0)
    assert new_weights_of(swapped) == [] and new_weights_of(new) == ["classifier.bias", "classifier.weight"]
    assert not torch.equal(output(new, "classifier")[0], output(checkpoint, "classifier")[0])


@pytest.mark.parametrize(
    ("own", "names", "order"),
    [
        (["pos", "neg"], ["pos", "neg"], [0, 1]),
        (["POSITIVE", "Negative "], ["negative", "positive"], [1, 0]),
        (["US", "us"], ["us", "US"], [1, 0]),
        (["US", "us"], ["Us", "uS"], None),
        (["LABEL_0", "LABEL_1"], ["neg", "pos"], [0, 1]),
        (["pos", "neg"], ["0", "1"], [0, 1]),
        (["1", "0"], ["0", "1"], [1, 0]),
        (["0", "1"], ["neg", "pos"], [0, 1]),
        (["1", "2"], ["neg", "pos"], None),
        (["ham", "spam"], ["neg", "pos"], None),
        (["a", "a"], ["a", "b"], None),
        (["a", "b", "c"], ["a", "b"], None),
    ],
)
def test_names_decide_the_order(own: list[str], names: list[str], order: list[int] | None) -> None:
    assert order_of_classes(own, names) == order


@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_a_head_for_another_kind_of_task_is_drawn_again(family: str, tmp_path: Path) -> None:
    """The two heads have weights of the same names and shapes."""
    config, layer = FAMILIES[family]
    for auto, kind in (
        (AutoModelForTokenClassification, "classification"),
        (AutoModelForSequenceClassification, "token"),
    ):
        saved(tmp_path / kind, config, OWN, auto)
        model = load_classifier(str(tmp_path / kind), OWN, 0, kind=kind)
        assert {f"{layer}.bias", f"{layer}.weight"} <= {*new_weights_of(model)}


def test_a_training_starts_from_the_checkpoints_own_decisions(tmp_path: Path) -> None:
    checkpoint = bert(id2label={0: "pos", 1: "neg"}, label2id={"pos": 0, "neg": 1})
    with torch.no_grad():
        checkpoint.classifier.bias.copy_(torch.tensor([9.0, -9.0]))  # always "pos"
    checkpoint.save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    settings = {"model": str(tmp_path / "model"), "method": "plain", "max_steps": 1, "batch_size": 4}
    for labels, new in ((("pos", "neg"), 0), (("spam", "ham"), 2)):
        data = load_files(pd.DataFrame({"text": ["good film", "bad plot"] * 12, "label": labels * 12}))
        cost = {"flop_ratio": 1.0, "time_ratio": 1.0}
        folder = tmp_path / labels[0]
        run = train_run(RunConfig(**settings, learning_rate=1e-9, precision="fp32"), folder, data=data, cost=cost)
        counts = [finding["count"] for finding in run["data"]["findings"] if finding["kind"] == "new_weights"]
        assert counts == ([new] if new else [])
        model = load_trained(folder)
        if not new:
            logits = model(torch.tensor([[2, 4, 10, 3]])).logits[0]
            assert model.config.id2label[int(logits.argmax())] == "pos"
