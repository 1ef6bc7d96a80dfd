"""Small models and batches that every test can train in milliseconds, and where the real ones lie."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets.config
import hypothesis
import pandas as pd
import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from uegr.data.encoding import batches, encode
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.libraries import silence_libraries
from uegr.methods.registry import create_method

silence_libraries()
hypothesis.settings.register_profile("busy machine", deadline=None)  # time is measured in benchmarks, not here
hypothesis.settings.load_profile("busy machine")
torch.set_num_threads(1)  # the models are tiny: threads would only wait for each other
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "great", "fine", "bad", "awful", "dull"]
WORDS += ["film", "plot", "actor", "scene", "and", "the"]
GOOD, BAD = WORDS[4:7], WORDS[7:10]


def bert(dropout: float = 0.1, labels: int = 2, seed: int = 0, **changes: Any) -> BertForSequenceClassification:
    """A BERT classifier of two layers, width 16."""
    torch.manual_seed(seed)
    config = BertConfig(
        **{
            "vocab_size": len(WORDS),
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 40,
            "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout,
            "num_labels": labels,
            "initializer_range": 0.2,
            **changes,
        }
    )
    return BertForSequenceClassification(config)


def batch(examples: int = 4, tokens: int = 7, seed: int = 0) -> dict[str, Tensor]:
    """Random token ids, some padding on the right, and labels 0/1."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(4, len(WORDS), (examples, tokens), generator=generator)
    lengths = torch.randint(2, tokens + 1, (examples, 1), generator=generator)
    lengths[0] = tokens
    mask = (torch.arange(tokens) < lengths).long()
    labels = torch.randint(0, 2, (examples,), generator=generator)
    return {"input_ids": ids * mask, "attention_mask": mask, "labels": labels}


class Linear(nn.Module):
    """A linear classifier on the mean of its token embeddings: closed forms hold for it."""

    def __init__(self, width: int = 6, dropout: float | None = None, labels: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(len(WORDS), width, padding_idx=0)
        self.dropout = nn.Identity() if dropout is None else nn.Dropout(dropout)
        self.head = nn.Linear(width, labels)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embedding

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        mask = attention_mask.unsqueeze(-1).float()
        mean = (self.embedding(input_ids) * mask).sum(1) / mask.sum(1)
        return SimpleNamespace(logits=self.head(self.dropout(mean)))


def reviews(count: int, seed: int = 0) -> pd.DataFrame:
    """Made-up reviews whose words decide the label."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for i in range(count):
        words = GOOD if i % 2 else BAD
        picks = torch.randint(0, 3, (3,), generator=generator).tolist()
        filler = WORDS[10 + int(torch.randint(0, 6, (), generator=generator))]
        rows.append({"text": " ".join([*(words[j] for j in picks), filler]), "label": i % 2})
    return pd.DataFrame(rows)


def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests read and tokenise is cached in a folder that goes with them."""
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained encoder without a head, with its tokenizer, as a Hugging Face folder."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    BertModel(bert().config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def learned(rows: Dataset, seed: int = 0) -> EvaluatedModel:
    """A small model that has learned its reviews."""
    model = bert(dropout=0.1, seed=seed).train()
    method = create_method("plain", seed=seed)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=5e-3), model)
    encoded = encode(rows, tokenizer(), ["text"], 32)
    for _ in range(12):
        for _, data in batches(encoded, tokenizer(), 16):
            method.loss(model, data).backward()
            optimizer.step()
            optimizer.zero_grad()
    return EvaluatedModel(model, tokenizer(), ["text"], batch_size=16)


@pytest.fixture(scope="session")
def rows() -> Dataset:
    return Dataset.from_pandas(reviews(48, seed=1))


@pytest.fixture(scope="session")
def evaluated(rows: Dataset) -> EvaluatedModel:
    return learned(rows)


@pytest.fixture(scope="session")
def other_evaluated(rows: Dataset) -> EvaluatedModel:
    """Another model that has learned the same."""
    return learned(rows, seed=1)


@pytest.fixture
def train_file(tmp_path: Path) -> Path:
    """Sixty made-up reviews as CSV."""
    path = tmp_path / "reviews.csv"
    reviews(60).to_csv(path, index=False)
    return path


@pytest.fixture
def data_folder() -> Path:
    """The folder of real benchmark data; tests that need it skip where it is missing."""
    return _real("UEGR_DATA", "data")


@pytest.fixture
def pretrained_folder() -> Path:
    """The folder of small real pretrained encoders."""
    return _real("UEGR_MODELS", "models")


def _real(variable: str, name: str) -> Path:
    path = Path(os.environ.get(variable, Path(__file__).parents[2] / "shared" / name))
    if not path.is_dir():
        pytest.skip(f"needs the folder {variable}, which is not set or not there")
    return path
