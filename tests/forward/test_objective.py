from __future__ import annotations

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

from conftest import batch, bert
from uegr import METHODS, create_method
from uegr.modeling.objective import objective_for

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


def test_class_weights_are_those_of_torch_before_its_division() -> None:
    model = bert(labels=3)
    model.config.class_weights = [0.5, 1.0, 4.0]
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    expected = F.cross_entropy(logits, labels, weight=torch.tensor([0.5, 1.0, 4.0]), reduction="none")
    torch.testing.assert_close(objective_for(model, logits, labels).loss(logits), expected)
    sets = torch.randint(0, 2, (6, 3)).float()
    plain = F.binary_cross_entropy_with_logits(logits, sets, reduction="none")
    weighed = (plain * (1 + sets * (torch.tensor([0.5, 1.0, 4.0]) - 1))).mean(dim=-1)
    torch.testing.assert_close(objective_for(model, logits, sets).loss(logits), weighed)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_heeds_class_weights(name: str) -> None:
    """With weight 0 on every class nothing is left but the divergences, which the labels do not enter."""
    model = bert(dropout=0.1).train()
    gradients = []
    for weights in (None, [0.0, 0.0]):
        if weights is not None:
            model.config.class_weights = weights
        method = create_method(name)
        method.wrap_optimizer(torch.optim.SGD(model.parameters(), lr=0.1), model)
        method.prepare(model, [batch()])
        by_labels = []
        for labels in (torch.zeros(4, dtype=torch.long), torch.ones(4, dtype=torch.long)):
            method.load_state_dict({**method.state_dict(), "calls": 0})
            model.zero_grad()
            method.loss(model, {**batch(), "labels": labels}).backward()
            by_labels.append(model.classifier.bias.grad.clone())
        gradients.append(by_labels)
    assert not torch.allclose(*gradients[0], atol=1e-4)
    torch.testing.assert_close(*gradients[1], atol=1e-6, rtol=0)


def test_labels_of_language_models_are_shifted_and_those_of_others_are_not() -> None:
    sizes = {"vocab_size": 9, "n_embd": 8, "n_layer": 1, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}
    gpt2 = GPT2LMHeadModel(GPT2Config(**sizes)).eval()
    ids = torch.tensor([[1, 2, 3, 4]])
    output = gpt2(input_ids=ids, labels=ids)
    mine = objective_for(gpt2, output.logits, ids)
    torch.testing.assert_close(mine.mean(mine.loss(output.logits)), output.loss)
    t5 = T5ForConditionalGeneration(
        T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
    ).eval()
    output = t5(input_ids=ids, labels=ids)
    mine = objective_for(t5, output.logits, ids)
    torch.testing.assert_close(mine.mean(mine.loss(output.logits)), output.loss)


@given(st.integers(2, 5), st.integers(0, 99))
def test_confidence_lies_between_chance_and_certainty(classes: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(6, classes, generator=generator)
    labels = torch.randint(0, classes, (6,), generator=generator)
    sure = objective_for(ANY, logits, labels).confidence(logits)
    right = logits.softmax(dim=-1).gather(1, labels.unsqueeze(1)).squeeze(1)
    assert bool(((sure >= 0) & (sure <= 1)).all())
    torch.testing.assert_close(sure, ((right - 1 / classes) / (1 - 1 / classes)).clamp_min(0.0))


@given(st.integers(2, 5), st.integers(0, 99))
def test_who_answers_with_the_shares_of_the_labels_is_sure_of_nothing(classes: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    shares = torch.rand(classes, generator=generator).softmax(dim=0)
    labels = torch.arange(classes)
    constant = shares.log().expand(classes, classes)
    objective = objective_for(ANY, constant, labels)
    torch.testing.assert_close(objective.confidence(constant, shares), torch.zeros(classes), atol=1e-6, rtol=0.0)
    certain = 60.0 * torch.eye(classes)
    assert objective.confidence(certain, shares).tolist() == [1.0] * classes


def test_the_shares_of_several_labels_an_example() -> None:
    """One label in ten: to say no to all is right nine times in ten, and no merit."""
    shares = torch.tensor([0.1, 0.1])
    constant = torch.logit(shares).expand(2, 2)
    objective = objective_for(ANY, constant, torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    assert objective.confidence(constant)[0] == pytest.approx(0.8)
    torch.testing.assert_close(objective.confidence(constant, shares), torch.zeros(2), atol=1e-6, rtol=0.0)


def test_a_tally_leaves_out_what_is_no_target() -> None:
    tokens = objective_for(ANY, torch.zeros(2, 3, 4), torch.tensor([[0, 2, -100], [2, 3, -100]]))
    assert tokens.tally(4).tolist() == [4, 1, 0, 2, 1]
    several = objective_for(ANY, torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    assert several.tally(2).tolist() == [2, 2, 1]
    numbers = objective_for(ANY, torch.zeros(2, 1), torch.tensor([1.0, 3.0]))
    assert numbers.tally(1).tolist() == [2, 4, 10]


@given(st.floats(-50, 50), st.floats(0.1, 50))
def test_who_answers_with_the_mean_of_the_numbers_is_sure_of_nothing(centre: float, spread: float) -> None:
    """And who answers with the number itself is as sure of it as can be, whatever its unit. No number is the mean, of
    which nothing tells the two apart."""
    labels = centre + spread * torch.tensor([-2.1, -1.0, -0.7, -0.4, 0.3, 0.8, 1.2, 1.6])
    objective = objective_for(ANY, labels[:, None], labels)
    tally = objective.tally(1)
    shares = tally[1:] / tally[0]
    constant = shares[0].expand(8, 1)
    torch.testing.assert_close(objective.confidence(constant, shares), torch.zeros(8), atol=1e-3, rtol=0.0)
    assert objective.confidence(labels[:, None], shares).tolist() == [1.0] * 8
    nearer = (labels + 0.3 * (shares[0] - labels))[:, None]
    assert bool((objective.confidence(nearer, shares) > 0).all())
    assert objective.confidence(constant).tolist() == [0.0] * 8, "before any number is known"


def test_confidence_of_several_labels() -> None:
    logits = torch.tensor([[40.0, -40.0], [0.0, 0.0]])
    several = objective_for(ANY, logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    torch.testing.assert_close(several.confidence(logits), torch.tensor([1.0, 0.0]))
