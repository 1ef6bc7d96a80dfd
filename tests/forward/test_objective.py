from __future__ import annotations

import hypothesis.strategies as st
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import nn

from uegr.forward.objective import objective_for

ANY = nn.Module()


def test_kinds_are_read_off_shapes_and_types() -> None:
    assert objective_for(ANY, torch.randn(3, 2), torch.tensor([0, 1, 0])).kind == "classification"
    assert objective_for(ANY, torch.randn(3, 1), torch.tensor([0.5, 1.0, 2.0])).kind == "regression"
    assert objective_for(ANY, torch.randn(3, 4), torch.rand(3, 4)).kind == "multi_label"
    assert objective_for(ANY, torch.randn(3, 5, 4), torch.zeros(3, 5, dtype=torch.long)).kind == "classification"


def test_losses_are_those_of_torch() -> None:
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    one = objective_for(ANY, logits, labels)
    torch.testing.assert_close(one.mean(one.loss(logits)), F.cross_entropy(logits, labels))
    scores, targets = torch.randn(6, 1), torch.randn(6)
    two = objective_for(ANY, scores, targets)
    torch.testing.assert_close(two.mean(two.loss(scores)), F.mse_loss(scores.squeeze(-1), targets))
    many = torch.randint(0, 2, (6, 3)).float()
    three = objective_for(ANY, logits, many)
    torch.testing.assert_close(three.mean(three.loss(logits)), F.binary_cross_entropy_with_logits(logits, many))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 5), st.integers(0, 99))
def test_token_terms_do_not_see_padding(examples: int, tokens: int, padding: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = [torch.randn(examples, tokens, 4, generator=generator) for _ in range(2)]
    labels = torch.randint(0, 4, (examples, tokens), generator=generator)
    padded = [F.pad(one, (0, 0, 0, padding), value=3.0) for one in logits]
    short, long = (
        objective_for(ANY, logits[0], labels),
        objective_for(ANY, padded[0], F.pad(labels, (0, padding), value=-100)),
    )
    torch.testing.assert_close(short.mean(short.loss(logits[0])), long.mean(long.loss(padded[0])))
    torch.testing.assert_close(short.mean(short.divergence(logits)), long.mean(long.divergence(padded)))


def test_num_items_replaces_the_batch_size() -> None:
    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    whole = objective_for(ANY, logits, labels)
    parts = [objective_for(ANY, logits[half], labels[half]) for half in (slice(0, 1), slice(1, 4))]
    summed = sum(
        part.mean(part.loss(logits[half]), 4) for part, half in zip(parts, (slice(0, 1), slice(1, 4)), strict=True)
    )
    torch.testing.assert_close(summed, whole.mean(whole.loss(logits)))


def test_causal_language_models_are_held_against_the_next_token() -> None:
    model = nn.Module()
    model.loss_type = "ForCausalLM"
    logits, labels = torch.randn(2, 5, 7), torch.randint(0, 7, (2, 5))
    one = objective_for(model, logits, labels)
    expected = F.cross_entropy(logits[:, :-1].reshape(-1, 7), labels[:, 1:].reshape(-1))
    torch.testing.assert_close(one.mean(one.loss(logits)), expected)
