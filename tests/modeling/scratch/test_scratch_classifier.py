"""Small models that are trained from scratch, and the tokenizer that is learned for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from support.command_line import run
from support.reviews import reviews
from uegr.modeling.model_loading import load_classifier, load_tokenizer, load_trained
from uegr.modeling.scratch.scratch_models import SCRATCH


@pytest.fixture(params=SCRATCH)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_padding_changes_nothing(name: str) -> None:
    model = load_classifier(name, ["a", "b", "c"], seed=0, vocab_size=50).eval()
    ids = torch.randint(4, 50, (3, 7))
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    ids = ids * mask
    padded = torch.cat([ids, torch.zeros(3, 5, dtype=torch.long)], dim=1)
    longer = torch.cat([mask, torch.zeros(3, 5, dtype=torch.long)], dim=1)
    short = model(input_ids=ids, attention_mask=mask).logits
    assert short.shape == (3, 3)
    torch.testing.assert_close(model(input_ids=padded, attention_mask=longer).logits, short, atol=1e-5, rtol=1e-5)
    alone = model(input_ids=ids[1:2, :4], attention_mask=mask[1:2, :4]).logits
    torch.testing.assert_close(alone, short[1:2], atol=1e-5, rtol=1e-5)


def test_trains_from_scratch_through_the_command_line(name: str, tmp_path: Path) -> None:
    path, folder = tmp_path / "reviews.csv", tmp_path / "run"
    reviews(200).to_csv(path, index=False)
    arguments = ["train", "--train_file", str(path), "--model_name_or_path", name, "--output_dir", str(folder)]
    assert run([*arguments, "--epochs", "4", "--learning_rate", "5e-3", "--batch_size", "16"]) == 0
    model, tokenizer = load_trained(folder), load_tokenizer(str(folder))
    data = reviews(40, seed=7)
    batch = tokenizer(data["text"].tolist(), padding=True, return_tensors="pt")
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    assert (logits.argmax(-1) == torch.tensor(data["label"].to_numpy())).float().mean() > 0.9


def test_the_loss_of_the_model_follows_the_kind_of_task() -> None:
    ids = torch.randint(4, 50, (3, 7))
    model = load_classifier("textcnn", ["score"], seed=0, vocab_size=50, kind="regression").eval()
    scores, targets = model(input_ids=ids).logits.squeeze(-1), torch.tensor([0.5, 1.5, -1.0])
    torch.testing.assert_close(model(input_ids=ids, labels=targets).loss, torch.nn.functional.mse_loss(scores, targets))
