"""UEGR's forward stage: its formula, its limits, and what it must not do to a model."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from support.small_models import Linear, batch, bert, gradients_of, hook_count, llama, logits_of, recompute_activations
from support.stages import stage_of, step
from uegr.errors import UsageError
from uegr.forward.plain import PlainForward
from uegr.forward.uegr import UEGRForward
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.perturb.ball import Ball

NO_DROPOUT = (0.0, 0.0)


def formula(model: nn.Module, data: dict[str, Tensor], epsilon: float, js_weight: float, clean_weight: float) -> Tensor:
    """The loss of one step, K = 1, k = 2, without dropout, written as in the paper."""
    leaf = torch.zeros((*data["input_ids"].shape, embedding_scale(model).width), requires_grad=True)
    with perturbed(model, data, leaf):
        clean = logits_of(model, data)
    clean_loss = F.cross_entropy(clean, data["labels"])
    confidence = (2.0 * clean.detach().softmax(-1).gather(1, data["labels"][:, None]) - 1.0).clamp_min(0.0)
    radius = epsilon * confidence[:, None] * Ball().unit(embedding_scale(model), token_mask(data))
    (g,) = torch.autograd.grad(clean_loss * len(data["labels"]), leaf, retain_graph=True)
    g = g * token_mask(data)
    with perturbed(model, data, radius * g / g.flatten(1).norm(dim=1)[:, None, None]):
        adversarial = logits_of(model, data)
    p = torch.stack([adversarial.softmax(-1)] * 2 + ([clean.softmax(-1)] if clean_weight else []))

    def entropy(q: Tensor) -> Tensor:
        return -(q * q.log()).sum(-1)

    divergence = (entropy(p.mean(0)) - entropy(p).mean(0)).mean()
    return F.cross_entropy(adversarial, data["labels"]) + js_weight * divergence + clean_weight * clean_loss


@pytest.mark.parametrize("clean_weight", [0.0, 1.0])
def test_loss_and_gradient_equal_the_formula(clean_weight: float) -> None:
    model, data = bert(dropout=0.0), batch()
    stage = stage_of(UEGRForward, dropout=NO_DROPOUT, epsilon=0.1, js_weight=0.7, clean_weight=clean_weight)
    expected = formula(model, data, 0.1, 0.7, clean_weight)
    loss = stage(model, data, step()).value
    torch.testing.assert_close(loss, expected)
    gradient, expected_gradient = (torch.autograd.grad(value, model.classifier.weight)[0] for value in (loss, expected))
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-6, rtol=1e-4)


def test_without_its_parts_it_is_plain_fine_tuning() -> None:
    model, data = bert(dropout=0.0), batch()
    stage = stage_of(UEGRForward, passes=1, dropout=NO_DROPOUT, epsilon=0.0, js_weight=0.0, clean_weight=0.0)
    torch.testing.assert_close(stage(model, data, step()).value, PlainForward()(model, data, step()).value)


def test_to_first_order_it_regularises_the_input_gradient() -> None:
    """L_pass - CE -> mean of radius * |grad_e CE| in the dual norm of the ball, as epsilon -> 0."""
    model, data = bert(dropout=0.0).double(), batch()
    leaf = torch.zeros((4, 7, 16), dtype=torch.double, requires_grad=True)
    with perturbed(model, data, leaf):
        loss = F.cross_entropy(logits_of(model, data), data["labels"], reduction="sum")
    (g,) = torch.autograd.grad(loss, leaf)
    g = g * token_mask(data)
    dual = {"l2": g.flatten(1).norm(dim=1), "l2_token": g.norm(dim=2).sum(1), "linf": g.abs().flatten(1).sum(1)}
    epsilon = 1e-3
    for norm, dual_norm in dual.items():
        options = {"passes": 1, "dropout": NO_DROPOUT, "by_confidence": False, "js_weight": 0.0}
        terms = stage_of(UEGRForward, epsilon=epsilon, norm=norm, **options)(model, data, step()).terms
        radius = epsilon * Ball(norm).unit(embedding_scale(model), token_mask(data)).flatten()  # type: ignore[arg-type]
        rise = float(terms["pass_loss"] - terms["clean_loss"])
        assert rise == pytest.approx(float((radius * dual_norm).mean()), rel=0.03)


def test_the_divergence_sees_that_passes_differ_under_dropout() -> None:
    model, data = bert(dropout=0.1), batch()
    terms = stage_of(UEGRForward, passes=3, dropout=(0.1, 0.4))(model, data, step()).terms
    assert terms["divergence"] > 0
    same = stage_of(UEGRForward, passes=3, dropout=NO_DROPOUT, clean_weight=0.0)(model, data, step()).terms
    torch.testing.assert_close(same["divergence"], torch.tensor(0.0), atol=1e-6, rtol=0)


def test_randomness_comes_from_the_generator_of_the_step_alone() -> None:
    model, data, stage = bert(), batch(), UEGRForward()
    torch.manual_seed(1)
    loss = stage(model, data, step()).value
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(stage(model, data, step()).value, loss)
    assert torch.equal(torch.get_rng_state(), state), "the global generator must stay as it was"
    assert not torch.equal(stage(model, data, step(seed=1)).value, loss)


def test_the_attack_computes_no_weight_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = bert(), batch()
    shapes = []
    autograd_grad = torch.autograd.grad

    def spy(outputs: Tensor, inputs: Tensor, **options: object) -> tuple[Tensor, ...]:
        shapes.append(inputs.shape)
        return autograd_grad(outputs, inputs, **options)

    monkeypatch.setattr(torch.autograd, "grad", spy)
    stage_of(UEGRForward, ascent_steps=3)(model, data, step())
    assert shapes == [(4, 7, 16)] * 3
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_untouched(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, dropout rates and hooks, also where its forward raises an error."""
    model, data = bert(dropout=0.2), batch()
    keys = list(model.state_dict())
    rates = [module.p for module in model.modules() if isinstance(module, nn.Dropout)]
    if fails:
        monkeypatch.setattr(model.classifier, "forward", lambda x: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            UEGRForward()(model, data, step())
    else:
        UEGRForward()(model, data, step())
    assert list(model.state_dict()) == keys
    assert [module.p for module in model.modules() if isinstance(module, nn.Dropout)] == rates
    assert hook_count(model) == 0


def test_parts_can_be_left_out() -> None:
    model, data = bert(), batch()
    assert set(stage_of(UEGRForward, epsilon=0.0, clean_weight=0.0)(model, data, step()).terms) == {
        "pass_loss",
        "divergence",
        "divergence_pass_1",
        "divergence_pass_2",
    }
    assert "clean_loss" in stage_of(UEGRForward, epsilon=0.0)(model, data, step()).terms


def test_the_divergence_is_the_mean_of_that_of_its_passes() -> None:
    terms = UEGRForward()(bert(), batch(), step()).terms
    per_pass = [terms[f"divergence_{name}"] for name in ("pass_1", "pass_2", "clean")]
    torch.testing.assert_close(torch.stack(per_pass).mean(), terms["divergence"])


@pytest.mark.parametrize(
    ("options", "units"),
    [
        ({}, 10),
        ({"passes": 2, "clean_weight": 0.0}, 8),
        ({"passes": 3, "clean_weight": 0.0}, 11),
        ({"passes": 2, "clean_weight": 0.0, "ascent_steps": 2}, 10),
        ({"passes": 1}, 7),
        ({"epsilon": 0.0, "clean_weight": 0.0}, 6),
        ({"epsilon": 0.0}, 9),
        ({"clean_weight": 0.0, "detach_clean": True}, 8),
        ({"epsilon": 0.0, "clean_weight": 0.0, "detach_clean": True}, 7),
        ({"reuse": True}, 9),
        ({"reuse": True, "passes": 1}, 6),  # twice a plain step
        ({"checkpoint_passes": True, "clean_weight": 0.0}, 10),
        ({"checkpoint_passes": True}, 14),
        ({"checkpoint_passes": True, "epsilon": 0.0}, 12),
    ],
)
def test_cost_is_what_the_flop_counter_counts(options: dict[str, object], units: float) -> None:
    model, data = bert(dropout=0.1, num_hidden_layers=4, hidden_size=64), batch(8)

    def flops(stage: PlainForward | UEGRForward) -> int:
        with FlopCounterMode(display=False) as counter:
            stage(model, data, step()).value.backward()
        return counter.get_total_flops()

    stage = stage_of(UEGRForward, **options)
    assert stage.cost() == units
    assert flops(stage) / flops(PlainForward()) == pytest.approx(units / 3, rel=0.03)


def test_a_model_needs_only_embeddings_logits_and_dropout() -> None:
    data = batch()
    assert UEGRForward()(Linear(dropout=0.1), data, step()).value > 0
    with pytest.raises(UsageError, match="no dropout layer"):
        UEGRForward()(Linear(), data, step())


def test_llama_which_has_no_dropout_module_gets_sub_models_that_differ() -> None:
    assert UEGRForward()(llama().train(), batch(), step()).terms["divergence"] > 0


@pytest.mark.parametrize("make", [bert, llama])
def test_gradient_checkpointing_of_the_model_does_not_change_the_gradient(make: type) -> None:
    """Its layers run again in the backward pass, when the rates of their pass are no longer set."""
    gradients = []
    for checkpointing in (False, True):
        model = make().train()
        if checkpointing:
            recompute_activations(model)
        hooks_before = hook_count(model)
        stage = stage_of(UEGRForward, passes=3, dropout=(0.0, 0.6))
        stage(model, batch(), step()).value.backward()
        stage.release()
        assert hook_count(model) == hooks_before
        gradients.append([gradient for gradient in gradients_of(model) if gradient is not None])
    for ordinary, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(recomputed, ordinary, atol=1e-6, rtol=1e-4)


def test_reentrant_checkpointing_is_refused_with_the_fix() -> None:
    model = bert().train()
    recompute_activations(model, use_reentrant=True)
    with pytest.raises(UsageError, match="use_reentrant"):
        UEGRForward()(model, batch(), step())


def test_shared_embeddings_give_the_gradients_of_separate_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = []
    for shares in (True, False):
        model = bert().train()
        with monkeypatch.context() as patch:
            if not shares:
                patch.setattr(SharedEmbeddings, "of", lambda self, ids, output: output)
            UEGRForward()(model, batch(), step()).value.backward()
        gradients.append(gradients_of(model))
    for shared, separate in zip(*gradients, strict=True):
        torch.testing.assert_close(shared, separate)


def test_the_embedding_matrix_is_differentiated_once() -> None:
    model = bert().train()
    matrix = model.get_input_embeddings().weight
    loss = stage_of(UEGRForward, passes=3)(model, batch(), step()).value
    nodes, seen, times = [loss.grad_fn], set(), 0
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name().startswith("EmbeddingBackward"):
            times += node.next_functions[0][0].variable is matrix
        nodes += [parent for parent, _ in node.next_functions]
    assert times == 1
