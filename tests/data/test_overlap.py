"""Overlap is found exactly, and nearly as by brute force."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from uegr.data.named_tasks import load_task
from uegr.data.overlap import NEAR, find_overlap


def texts(*lines: str) -> Dataset:
    return Dataset.from_dict({"text": list(lines)})


def test_exact_is_up_to_case_punctuation_and_spacing() -> None:
    train = texts("The film, I must say, is good.", "nothing else")
    result = find_overlap(train, ["text"], texts("the film i must say  is GOOD", "the film is good", ""), ["text"])
    assert result.exact.tolist() == [True, False, False]
    assert result.near.tolist() == [True, False, False]


def word_pairs(line: str) -> set[tuple[str, str]]:
    words = ["^", *line.split(), "$"]
    return set(pairwise(words))


def test_near_is_what_a_plain_comparison_of_all_pairs_finds() -> None:
    """300 random sentences against edited copies: the same pairs as by brute force, but for a rare miss."""
    generator = np.random.default_rng(0)
    words = [f"w{i}" for i in range(60)]
    train = [" ".join(generator.choice(words, 12)) for _ in range(300)]
    edited = []
    for line in train:
        copy = line.split()
        for position in generator.choice(12, generator.integers(0, 4), replace=False):
            copy[position] = str(generator.choice(words))
        edited.append(" ".join(copy))
    result = find_overlap(texts(*train), ["text"], texts(*edited), ["text"])
    sets = [word_pairs(line) for line in train]
    similarity = [max(len(word_pairs(a) & b) / len(word_pairs(a) | b) for b in sets) for a in edited]
    expected = np.array(similarity) >= NEAR
    assert 50 < expected.sum() < 250
    assert not (result.near & ~expected).any(), "every reported pair was compared"
    assert (result.near != expected).sum() <= 3
    assert result.exact.tolist() == [a in train for a in edited]
    assert result.summary() == {
        "examples": 300,
        "exact": int(result.exact.sum()),
        "near": int(result.near.sum()),
        "similarity": NEAR,
    }


@pytest.mark.parametrize(
    ("text", "near", "other"),
    [
        ("我非常喜欢这部电影的演员和故事", "我非常喜欢这部电影的演员和音乐", "这部电影的故事我非常不喜欢，演员也是"),
        ("この映画はとても面白かったです", "この映画はとても面白かったよ", "面白い本をこの前とても安く買った"),
        ("หนังเรื่องนี้ดีมากจริงๆ และสนุก", "หนังเรื่องนี้ดีมาก และสนุก", "อาหารที่นี่ไม่อร่อยเลย"),
    ],
)
def test_texts_without_spaces_are_compared_by_characters(text: str, near: str, other: str) -> None:
    result = find_overlap(texts(text), ["text"], texts(near, other), ["text"])
    assert result.near.tolist() == [True, False] and not result.exact.any()


def test_pairs_are_compared_as_wholes() -> None:
    train = Dataset.from_dict({"a": ["one premise", "one premise"], "b": ["first claim", "second claim"]})
    rows = Dataset.from_dict({"p": ["One premise", "one premise"], "h": ["second claim.", "a third one altogether"]})
    assert find_overlap(train, ["a", "b"], rows, ["p", "h"]).exact.tolist() == [True, False]


def test_nothing_is_seen_without_training_data() -> None:
    assert find_overlap(texts("a").select([]), ["text"], texts("a", "b"), ["text"]).summary()["near"] == 0


def test_known_leak_between_two_tasks_is_found(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotten Tomatoes and SST-2 are made of the same sentences: about three quarters of SST-2's validation set."""
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    train, test = load_task("rotten_tomatoes").train, load_task("sst2").test
    assert 0.7 < find_overlap(train, ["sentence"], test, ["sentence"]).exact.mean() < 0.85


@pytest.mark.parametrize(
    ("text", "other", "equal"),
    [
        ("👍", "👎", False),
        ("👍", "👍", True),
        ("great 👍", "great 👎", False),
        ("👍🏽", "👍🏿", False),
        ("👍\ufe0f", "👍", True),
        (":)", ":(", False),
        (":)", ":)", True),
        ("...", "!!!", False),
        ("หนังดี", "หนังแย่", False),
        ("यह अच्छी है", "यह अच्छा है", False),
        ("cafe\u0301", "CAFÉ!", True),
        ("C++", "C", False),
        ("5 > 3", "5 < 3", False),
        ("``Good''", "good", True),
        ("Hello,   world", "hello world!", True),
    ],
)
def test_marks_emoji_and_symbols_are_content(text: str, other: str, equal: bool) -> None:
    first, second = (Dataset.from_dict({"text": [sentence, "another sentence"]}) for sentence in (text, other))
    overlap = find_overlap(first, ["text"], second, ["text"])
    assert overlap.exact.tolist() == [equal, True]
