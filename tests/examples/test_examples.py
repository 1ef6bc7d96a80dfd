"""Every example runs to its end with a tiny model, without a network."""

from __future__ import annotations

import csv
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from uegr import METHODS

EXAMPLES = Path(__file__).parents[2] / "examples"
REVIEWS = EXAMPLES / "reviews.csv"
ARGUMENTS = {
    "accelerate_loop": ["--epochs", "1", "--cpu"],
    "any_trainer": ["--max_steps", "2"],
    "attack_curve": ["--examples", "4"],
    "compare_methods": ["--max_steps", "2", "--seeds", "1"],
    "evaluate_checkpoint": ["--examples", "8"],
    "lightning_module": ["--max_steps", "2"],
    "lora_decoder": ["--max_steps", "2"],
    "new_method": ["--steps", "2"],
    "own_csv": ["--max_steps", "2"],
    "own_loop": ["--epochs", "1"],
    "robust_filter": ["--max_steps", "2"],
    "trl_reward": ["--max_steps", "2"],
    "trainer": ["--max_steps", "2"],
}
"""Example -> what makes it short; --model, files and folders are added where it takes them."""
NEEDS = {"lightning_module": "lightning", "lora_decoder": "peft", "trl_reward": "trl"}
"""Example -> the package beside uegr's own that it is about."""


@pytest.fixture(scope="module")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of an encoder and of a decoder with random weights, and a tokenizer of the words of the reviews."""
    with REVIEWS.open() as file:
        words = sorted({word for row in csv.DictReader(file) for word in row["text"].split()})
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[EOS]", *words])}
    word_level = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    word_level.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=word_level, pad_token="[PAD]", unk_token="[UNK]", eos_token="[EOS]"
    )
    sizes = {"vocab_size": len(vocabulary), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 32, "max_position_embeddings": 140}
    torch.manual_seed(0)
    tiny = {
        "encoder": BertForSequenceClassification(BertConfig(**sizes)),
        "decoder": LlamaForCausalLM(LlamaConfig(**sizes, num_key_value_heads=2)),
    }
    folders = {}
    for name, model in tiny.items():
        folders[name] = tmp_path_factory.mktemp("models") / name
        model.save_pretrained(folders[name])
        tokenizer.save_pretrained(folders[name])
    return folders


@pytest.fixture(autouse=True)
def unchanged_registry() -> Iterator[None]:
    """The methods that an example registers do not stay."""
    before = dict(METHODS)
    yield
    METHODS.clear()
    METHODS.update(before)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs(
    path: Path,
    tiny_models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if package := NEEDS.get(path.stem):
        pytest.importorskip(package, reason=f"needs {package}: pip install {package}")
    source = path.read_text(encoding="utf-8")
    arguments = [*ARGUMENTS[path.stem], "--model", str(tiny_models["decoder" if "CausalLM" in source else "encoder"])]
    for option in ("--train_file", "--test_file", "--harmless_file", "--output_dir"):
        if f'"{option}"' in source:
            arguments += [option, str(tmp_path / "run" if option == "--output_dir" else REVIEWS)]
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out, "an example prints what came out"


def test_every_example_is_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f"[{path.name}]({path.name})" not in listed] == []
