"""Similarity of sentences: cosines by pair, and no text is read twice without need."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from support.reviews import tokenizer
from support.small_models import bert
from uegr.evaluation import sentence_encoder
from uegr.evaluation.sentence_encoder import SentenceEncoder


class Letters(SentenceEncoder):
    """Embeds a text by its numbers of a and b."""

    def __init__(self) -> None:
        self._originals = {}
        self.read: list[list[str]] = []

    def _embed(self, texts: list[str]) -> Tensor:
        self.read.append(texts)
        counts = torch.tensor([[float(text.count("a")), float(text.count("b"))] for text in texts]).reshape(-1, 2)
        return torch.nn.functional.normalize(counts, dim=1)


def test_each_pair_has_its_cosine() -> None:
    assert Letters().cosines([("a", "aa"), ("a", "b"), ("b", "ab"), ("a", "a")]) == pytest.approx([1, 0, 0.5**0.5, 1])


def test_an_original_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Letters()
    encoder.cosines([("a", "ab"), ("b", "ab")])
    assert encoder.cosines([("a", "bb"), ("b", "ab")]) == pytest.approx([0, 0.5**0.5])
    assert encoder.read == [["a", "ab", "b"], ["bb", "ab"]]
    monkeypatch.setattr(sentence_encoder, "MOST_KEPT", 1)
    encoder.cosines([("aab", "a")])
    encoder.cosines([("b", "aab")])
    assert encoder.read[2:] == [["aab"], ["b"]], "only the latest are kept"


def test_all_positions_of_the_encoder_are_read(tmp_path: Path) -> None:
    bert(max_position_embeddings=300).base_model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    text = "good film " * 145
    late, cut = SentenceEncoder(str(tmp_path)).cosines([(text + "film", text + "bad"), (text * 2, text * 2 + "bad")])
    assert late < 1 - 1e-6, "a change at token 292"
    assert cut == pytest.approx(1.0, abs=1e-6), "texts with more tokens than positions are cut"
