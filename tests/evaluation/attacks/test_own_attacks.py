"""A mistake in an attack of one's own is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from support.reviews import reviews, tokenizer
from support.small_models import batch, bert
from uegr import UsageError, attacks
from uegr.evaluation.attacks.attack_results import TextAttackResult
from uegr.evaluation.attacks.text_search import Request


def text_attack(search: Callable[..., Any], **content: Any) -> attacks.TextAttack:
    kind: Any = dataclass(frozen=True)(type("Own", (attacks.TextAttack,), {"search": search, "name": "own", **content}))
    return kind()  # type: ignore[no-any-return]


def attacked(attack: attacks.TextAttack) -> TextAttackResult:
    rows = reviews(6)
    return attack(bert().eval(), tokenizer(), list(rows["text"]), [int(label) for label in rows["label"]])


def an_attack(self: Any, texts: Any, label: int, generator: Any) -> Any:
    changed = (*texts[:-1], texts[-1] + " good")
    probabilities = yield Request([changed])
    return changed if probabilities[0].argmax() != label else None


def yields_strings(self: Any, texts: Any, label: int, generator: Any) -> Any:
    yield Request([texts[0] + " good"])  # type: ignore[list-item]


def returns_a_string(self: Any, texts: Any, label: int, generator: Any) -> Any:
    yield Request([texts])
    return "good"


def returns_a_pair(self: Any, texts: Any, label: int, generator: Any) -> Any:
    yield Request([texts])
    return ("good", "good")


def returns_what_does_not_fool(self: Any, texts: Any, label: int, generator: Any) -> Any:
    yield Request([texts])
    return texts


def yields_a_list(self: Any, texts: Any, label: int, generator: Any) -> Any:
    yield [texts]


def is_no_generator(self: Any, texts: Any, label: int, generator: Any) -> Any:
    return texts


def test_an_attack_as_the_docs_say_runs() -> None:
    assert 0.0 <= attacked(text_attack(an_attack)).accuracy <= 1.0


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (yields_strings, "a tuple of 1 strings, not '"),
        (returns_a_string, r"a tuple of 1 strings, not 'good': write \(\*texts\[:-1\], changed\)"),
        (returns_a_pair, "a tuple of 1 strings, not a tuple of 2"),
        (returns_what_does_not_fool, "a text that it has not seen to fool the model"),
        (yields_a_list, r"Own\.search\(\) must yield a Request or a SimilarityRequest, not an object of list"),
        (is_no_generator, r"Own\.search\(\) must be a generator"),
    ],
)
def test_a_search_of_another_form_is_named(search: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        attacked(text_attack(search))


@pytest.mark.parametrize("kind", [attacks.TextAttack, attacks.EmbeddingAttack])
def test_an_attack_without_a_name_is_told_to_have_one(kind: Any) -> None:
    nameless = type("Own", (kind,), {"search": an_attack, "run_restart": an_attack})
    with pytest.raises(UsageError, match="Own has no name: write name = 'my-attack' in its class"):
        nameless()


@pytest.mark.parametrize("form", ["logits", "one", "none", "numpy", "float"])
def test_a_restart_of_another_form_is_named(form: str) -> None:
    def run_restart(self: Any, attack_batch: attacks.AttackBatch, start: Tensor) -> Any:
        logits = attack_batch.logits(start)
        right = attack_batch.is_correct(logits)
        return {
            "logits": logits,
            "one": torch.ones(1, dtype=torch.bool),
            "none": None,
            "numpy": right.numpy(),
            "float": right.float(),
        }[form]

    kind: Any = type("Own", (attacks.EmbeddingAttack,), {"run_restart": run_restart, "name": "own"})
    with pytest.raises(UsageError, match=r"Own\.run_restart\(\) must return a tensor of bool with one value for each"):
        kind()(bert().eval(), batch(8), [0.1])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (batch(2, 60), "texts of 60 tokens and BertForSequenceClassification reads at most 40"),
        ({**batch(), "input_ids": batch()["input_ids"] + 100}, "has embeddings for 16"),
        ({**batch(), "attention_mask": torch.ones(4, 5).long()}, "pad both to the same length"),
    ],
)
def test_a_batch_that_does_not_fit_is_named(data: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        attacks.PGD()(bert().eval(), data, [0.1])
