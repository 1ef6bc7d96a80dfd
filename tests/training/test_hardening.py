"""The label-free stage: its loss by the formula, on encoders and on causal models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    T5Config,
    T5EncoderModel,
    TrainingArguments,
)

from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.errors import UsageError
from uegr.perturb.token_words import TokenWords
from uegr.perturb.views import parse_view
from uegr.training.hardening import EDITED_WEIGHT, Hardening, HardeningTrainer
from uegr.training.hardening_config import HardeningConfig

TOKENIZER = make_tokenizer("wordpiece")


def encoder(**changes: Any) -> BertModel:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return BertModel(BertConfig(vocab_size=200, **{**sizes, **changes}))


def gpt2() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=16, n_layer=2, n_head=2, n_positions=128))


def batch() -> dict[str, torch.Tensor]:
    return dict(TOKENIZER(SENTENCES[:3], padding=True, return_tensors="pt"))


def test_the_loss_is_that_of_the_formula() -> None:
    """Word by word, row by row, with loops."""
    student = encoder()
    hardening = Hardening(student, TOKENIZER, parse_view("characters:0.4"))
    with torch.no_grad():
        for weight in student.parameters():
            weight += 0.05 * torch.randn_like(weight)
    data, words = batch(), TokenWords(TOKENIZER)
    read = hardening.reader.read(data, hardening.edits, 7)
    student.eval()
    clean = hardening.teacher(**data).last_hidden_state
    edited = student(**read.batch).last_hidden_state

    numerator = denominator = pooled = first = 0.0
    for row in range(3):
        length = int(data["attention_mask"][row].sum())
        ids = data["input_ids"][row].tolist()
        spans = [(word.start, word.end) for word in words.words(ids)]
        covered = {i for start, end in spans for i in range(start, end)}
        spans += [(i, i + 1) for i in range(length) if i not in covered]
        new_length = int(read.batch["attention_mask"][row].sum())
        for start, end in spans:
            places = [i for i in range(new_length) if start <= int(read.source[row, i]) < end]  # type: ignore[index]
            changed = any(not bool(read.kept[row, i, 0]) for i in places)  # type: ignore[index]
            weight = EDITED_WEIGHT if changed else 1.0
            similarity = F.cosine_similarity(edited[row, places].mean(0), clean[row, start:end].mean(0), dim=0)
            numerator, denominator = numerator + weight * (1 - similarity), denominator + weight
        means = edited[row, :new_length].mean(0), clean[row, :length].mean(0)
        pooled += (1 - F.cosine_similarity(*means, dim=0)) / 3
        first += (1 - F.cosine_similarity(edited[row, 0], clean[row, 0], dim=0)) / 3
    expected = numerator / denominator + pooled + first
    torch.testing.assert_close(hardening.loss(student, data, 7), expected)
    assert float(expected) > 0.01


def test_an_unchanged_model_that_reads_an_unedited_text_has_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    student = encoder()
    hardening = Hardening(student, TOKENIZER, parse_view("clean"))
    assert float(hardening.loss(student, batch(), 0)) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("make", [encoder, gpt2])
def test_training_lowers_the_loss_and_the_copy_stays(make: Any) -> None:
    student = make()
    hardening = Hardening(student, TOKENIZER, parse_view("characters:0.4"))
    before = [weight.clone() for weight in hardening.teacher.parameters()]
    optimizer = torch.optim.AdamW(student.parameters(), lr=3e-3)
    losses = []
    for step in range(40):
        loss = hardening.loss(student, batch(), step)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss))
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    assert all(torch.equal(old, new) for old, new in zip(before, hardening.teacher.parameters(), strict=True))


def test_the_copy_runs_in_the_precision_of_the_student(tmp_path: Path) -> None:
    hardening = Hardening(encoder(), TOKENIZER, parse_view("characters:0.4"))
    dtypes: list[torch.dtype] = []
    attention = hardening.teacher.encoder.layer[0].attention.self.query
    attention.register_forward_hook(lambda module, inputs, output: dtypes.append(output.dtype))
    arguments = TrainingArguments(str(tmp_path), max_steps=1, bf16=True, use_cpu=True, report_to=[], save_strategy="no")
    rows = Dataset.from_list([{key: value[i] for key, value in batch().items()} for i in range(3)])
    HardeningTrainer(encoder(), arguments, train_dataset=rows, hardening=hardening).train()
    assert dtypes == [torch.bfloat16]


def test_a_causal_model_learns_the_next_token_distribution_after_each_word() -> None:
    student = gpt2()
    hardening = Hardening(student, TOKENIZER, parse_view("characters:0.4"))
    data = batch()
    data.pop("token_type_ids")
    assert float(hardening.loss(student, data, 1)) > 0
    clean = Hardening(student, TOKENIZER, parse_view("clean"))
    assert float(clean.loss(student, data, 1)) == pytest.approx(0.0, abs=1e-6)


def test_the_encoder_of_an_encoder_decoder_model_is_trained() -> None:
    torch.manual_seed(0)
    student = T5EncoderModel(T5Config(vocab_size=200, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2))
    data = batch()
    data.pop("token_type_ids")
    loss = Hardening(student, TOKENIZER, parse_view("characters:0.4")).loss(student, data, 1)
    loss.backward()
    assert student.encoder.block[0].layer[0].SelfAttention.q.weight.grad.abs().sum() > 0


def test_edits_of_whole_texts_are_refused() -> None:
    for edits in ("harmless", "adversarial+characters", "clean"):
        with pytest.raises(UsageError, match="edits must change single words"):
            HardeningConfig(edits=edits)
    assert HardeningConfig(edits="characters:0.3+ocr").view().edits[1].name == "ocr"
