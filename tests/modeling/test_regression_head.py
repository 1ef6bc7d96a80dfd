"""A new regression head starts at the mean and the spread of the labels; a trained one is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import (
    AutoModel,
    BartConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    PreTrainedConfig,
    RobertaConfig,
)

from conftest import tokenizer
from support.small_models import WORDS, bert
from uegr.data.data_source import DataSource
from uegr.modeling.lora import with_lora
from uegr.modeling.model_loading import load_classifier, load_model
from uegr.modeling.regression_head import start_at_labels
from uegr.runs.evaluate import evaluate_run
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig

LABELS = [100.0, 110.0, 130.0, 160.0]  # mean 125, standard deviation 22.9
SIZES = {"vocab_size": len(WORDS) + 5, "pad_token_id": 0}
SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
FAMILIES: dict[str, PreTrainedConfig] = {
    "bart": BartConfig(
        **SIZES, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2
    ),
    "deberta": DebertaV2Config(**SIZES, **SMALL),
    "distilbert": DistilBertConfig(**SIZES, dim=16, hidden_dim=16, n_layers=1, n_heads=2),
    "electra": ElectraConfig(**SIZES, **SMALL, embedding_size=16),
    "roberta": RobertaConfig(**SIZES, **SMALL),
}


def body_folder(folder: Path, config: PreTrainedConfig) -> str:
    AutoModel.from_config(config).save_pretrained(folder)
    return str(folder)


def outputs(model: nn.Module) -> list[nn.Linear]:
    return [module for module in model.modules() if isinstance(module, nn.Linear) and module.out_features == 1]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_head_starts_at_the_labels(family: str, tmp_path: Path) -> None:
    folder = body_folder(tmp_path, FAMILIES[family])
    model, drawn = (load_classifier(folder, [], seed=0, kind="regression") for _ in range(2))
    start_at_labels(model, LABELS)
    head, drawn_head = outputs(model)[-1], outputs(drawn)[-1]
    assert head.bias.item() == 125.0
    torch.testing.assert_close(head.weight, drawn_head.weight * torch.tensor(LABELS).std(correction=0))
    others = [
        name for name, weight in model.named_parameters() if weight is not head.weight and weight is not head.bias
    ]
    for name in others:
        torch.testing.assert_close(model.get_parameter(name), drawn.get_parameter(name), msg=name)


def test_a_model_from_scratch_starts_there_too() -> None:
    model = load_classifier("textcnn", [], seed=0, vocab_size=50, kind="regression")
    start_at_labels(model, LABELS)
    assert outputs(model)[-1].bias.item() == 125.0


def test_a_head_without_a_bias_starts_at_the_size_of_the_labels(tmp_path: Path) -> None:
    folder = body_folder(tmp_path, GPT2Config(vocab_size=20, n_embd=16, n_layer=1, n_head=2))
    model, drawn = (load_classifier(folder, [], seed=0, kind="regression") for _ in range(2))
    start_at_labels(model, LABELS)
    size = torch.tensor(LABELS).square().mean().sqrt()
    torch.testing.assert_close(outputs(model)[-1].weight, outputs(drawn)[-1].weight * size)


def test_a_trained_head_stays_as_it_is(tmp_path: Path) -> None:
    bert(labels=1).save_pretrained(tmp_path)
    model, trained = (load_classifier(str(tmp_path), [], seed=0, kind="regression") for _ in range(2))
    start_at_labels(model, LABELS)
    for name, weight in trained.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], weight, rtol=0, atol=0, msg=name)


def test_equal_labels_leave_the_weights(tmp_path: Path) -> None:
    """Weights of 0 would pass no gradient to the body."""
    model = load_classifier("textcnn", [], seed=0, vocab_size=50, kind="regression")
    start_at_labels(model, [7.0, 7.0])
    assert outputs(model)[-1].bias.item() == 7.0
    assert float(outputs(model)[-1].weight.detach().abs().sum()) > 0


@pytest.mark.parametrize("method", ["plain", "uegr"])
def test_labels_of_any_size_are_learned(method: str, tmp_path: Path) -> None:
    """With outputs that start near 0, prices in thousands have a squared error near the square of their mean."""
    train = tmp_path / "prices.csv"
    rows = [
        (f"good film {word}" if i % 2 else f"bad plot {word}", 5000 + 1000 * (i % 2))
        for i, word in enumerate(WORDS * 8)
    ]
    train.write_text("text,label\n" + "".join(f"{text},{price}\n" for text, price in rows))
    bert(labels=1).base_model.save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    files = {"train_file": str(train), "validation_file": str(train), "test_file": str(train)}
    data = DataSource(**files, kind="regression")
    settings = {"epochs": 8.0, "learning_rate": 5e-3, "batch_size": 16, "precision": "fp32"}
    train_run(RunConfig(data, model=str(tmp_path / "model"), method=method, **settings), tmp_path / "run")
    metrics = evaluate_run(tmp_path / "run", epsilons=[0.0]).metrics
    assert metrics["mse"] < 500**2, "the error of the mean of the labels"


@pytest.mark.parametrize("lora", [False, True])
def test_autocast_does_not_round_the_output(lora: bool, tmp_path: Path) -> None:
    """A step of bfloat16 is 4 near 1,000: years would be rounded to leap years."""
    bert(labels=1).base_model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    model = load_model(str(tmp_path), "regression", [], 0, tokenizer())
    start_at_labels(model, [1001.0, 1003.0])
    if lora:
        model = with_lora(model, "regression", 2, 16, 0.0, [])
    model.eval()
    tokens = torch.tensor([[2, 4, 10, 3]])
    exact = model(input_ids=tokens).logits
    with torch.autocast("cpu", torch.bfloat16):
        output = model(input_ids=tokens).logits
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, exact, atol=0.1, rtol=0)
    output.sum().backward()
