from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from conftest import Linear, batch, bert
from uegr.errors import UsageError
from uegr.forward.adversaries.embedding_adversary import RAMP_STEPS_WITHOUT_TOTAL, EmbeddingAdversary
from uegr.forward.forward_stage import Step, forward_pass, seeded
from uegr.forward.plain import PlainForward
from uegr.forward.uegr import UEGRForward
from uegr.modeling.embeddings import embedding_scale, input_embeddings, perturbed, token_mask, unwrap
from uegr.perturb.ball import Ball


def step(at: int = 10, total: int = 10, seed: int = 0) -> Step:
    return Step(torch.Generator().manual_seed(seed), at, total)


def logits_of(model: nn.Module, data: dict[str, Tensor]) -> Tensor:
    return model(input_ids=data["input_ids"], attention_mask=data["attention_mask"]).logits


def reference(model: nn.Module, data: dict[str, Tensor], epsilon: float, js: float, clean_weight: float) -> Tensor:
    """The formula of one step, K = 1, k = 2, without dropout, written down as in the paper."""
    leaf = torch.zeros((*data["input_ids"].shape, embedding_scale(model).width), requires_grad=True)
    with perturbed(model, leaf):
        clean = logits_of(model, data)
    clean_loss = F.cross_entropy(clean, data["labels"])
    sure = (2.0 * clean.detach().softmax(-1).gather(1, data["labels"][:, None]) - 1.0).clamp_min(0.0)
    radius = epsilon * sure[:, None] * Ball().unit(embedding_scale(model), token_mask(data))
    (g,) = torch.autograd.grad(clean_loss * len(data["labels"]), leaf, retain_graph=True)
    g = g * token_mask(data)
    delta = radius * g / g.flatten(1).norm(dim=1)[:, None, None]
    with perturbed(model, delta):
        adversarial = logits_of(model, data)
    p = torch.stack([adversarial.softmax(-1)] * 2 + ([clean.softmax(-1)] if clean_weight else []))

    def entropy(q: Tensor) -> Tensor:
        return -(q * q.log()).sum(-1)

    divergence = (entropy(p.mean(0)) - entropy(p).mean(0)).mean()
    return F.cross_entropy(adversarial, data["labels"]) + js * divergence + clean_weight * clean_loss


@pytest.mark.parametrize("clean_weight", [0.0, 1.0])
def test_loss_and_gradient_equal_the_formula(clean_weight: float) -> None:
    model, data = bert(dropout=0.0), batch()
    stage = UEGRForward(dropout=(0.0, 0.0), epsilon=0.1, js_weight=0.7, clean_weight=clean_weight)
    expected = reference(model, data, 0.1, 0.7, clean_weight)
    got = stage(model, data, step()).value
    torch.testing.assert_close(got, expected)
    ours, theirs = (torch.autograd.grad(one, model.classifier.weight)[0] for one in (got, expected))
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


def test_without_its_parts_it_is_plain_fine_tuning() -> None:
    model, data = bert(dropout=0.0), batch()
    bare = UEGRForward(passes=1, dropout=(0.0, 0.0), epsilon=1e-9, js_weight=0.0, clean_weight=0.0)
    torch.testing.assert_close(bare(model, data, step()).value, PlainForward()(model, data, step()).value)


def test_first_order_it_regularises_the_input_gradient() -> None:
    """(L_adv - CE) / epsilon -> |grad_e CE| as epsilon -> 0, for the dual norm of each ball."""
    model, data = bert(dropout=0.0).double(), batch()
    leaf = torch.zeros((4, 7, 16), dtype=torch.double, requires_grad=True)
    with perturbed(model, leaf):
        loss = F.cross_entropy(logits_of(model, data), data["labels"], reduction="sum")
    (g,) = torch.autograd.grad(loss, leaf)
    g = g * token_mask(data)
    dual = {"l2": g.flatten(1).norm(dim=1), "l2_token": g.norm(dim=2).sum(1), "linf": g.abs().flatten(1).sum(1)}
    for norm, size in dual.items():
        epsilon = 1e-3
        stage = UEGRForward(
            passes=1,
            dropout=(0.0, 0.0),
            epsilon=epsilon,
            norm=norm,
            relative=False,
            by_confidence=False,
            js_weight=0.0,
            clean_weight=1.0,
        )
        terms = stage(model, data, step()).terms
        slope = (terms["adversarial_loss"] - terms["clean_loss"]) / epsilon
        assert float(slope) == pytest.approx(float(size.mean()), rel=0.03)


def test_passes_differ_under_dropout_and_the_divergence_sees_it() -> None:
    model, data = bert(dropout=0.1), batch()
    terms = UEGRForward(passes=3, dropout=(0.1, 0.4))(model, data, step()).terms
    assert terms["divergence"] > 0
    same = UEGRForward(passes=3, dropout=(0.0, 0.0), clean_weight=0.0)(model, data, step()).terms
    torch.testing.assert_close(same["divergence"], torch.tensor(0.0), atol=1e-6, rtol=0)


def test_randomness_comes_from_the_step_alone() -> None:
    model, data = bert(), batch()
    stage = UEGRForward(random_start=True, dropout_mode="layer")
    torch.manual_seed(1)
    first = stage(model, data, step()).value
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(stage(model, data, step()).value, first)
    assert torch.equal(torch.get_rng_state(), state), "the global generator must stay as it was"
    assert not torch.equal(stage(model, data, step(seed=1)).value, first)


def test_attack_computes_no_weight_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = bert(), batch()
    seen = []
    original = torch.autograd.grad

    def spy(outputs: Tensor, inputs: Tensor, **rest: object) -> tuple[Tensor, ...]:
        seen.append(inputs.shape)
        return original(outputs, inputs, **rest)

    monkeypatch.setattr(torch.autograd, "grad", spy)
    UEGRForward(steps=3)(model, data, step())
    assert seen == [(4, 7, 16)] * 3
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("broken", [False, True])
def test_model_is_left_untouched(broken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = bert(dropout=0.2), batch()
    keys, rates = list(model.state_dict()), [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    if broken:
        monkeypatch.setattr(model.classifier, "forward", lambda x: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            UEGRForward()(model, data, step())
    else:
        UEGRForward()(model, data, step())
    assert list(model.state_dict()) == keys
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == rates
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_epsilon_climbs_over_the_first_part_of_training() -> None:
    stage = UEGRForward(epsilon=0.2, ramp=0.5)
    assert stage.adversary.epsilon_at(step(0, 100)) == 0.0
    assert stage.adversary.epsilon_at(step(25, 100)) == pytest.approx(0.1)
    assert stage.adversary.epsilon_at(step(80, 100)) == 0.2
    assert UEGRForward(epsilon=0.2, ramp=0.0).adversary.epsilon_at(step(0, 100)) == 0.2
    unknown = Step(torch.Generator(), RAMP_STEPS_WITHOUT_TOTAL // 2, None)
    assert stage.adversary.epsilon_at(unknown) == pytest.approx(0.1)


def test_an_example_is_attacked_as_far_as_it_is_learned() -> None:
    """The radius is epsilon times the confidence in the label; what is classified wrong is left alone."""
    model, data = bert(dropout=0.0).eval(), batch(16)
    adversary = EmbeddingAdversary(epsilon=0.1, relative=False, by_confidence=True)
    right = logits_of(model, data).softmax(-1).gather(1, data["labels"][:, None])
    delta = adversary.attack(model, data, step()).delta
    assert delta is not None
    expected = 0.1 * (2 * right.detach().squeeze(1) - 1).clamp_min(0.0)
    assert 0 < int((expected == 0).sum()) < 16
    torch.testing.assert_close(delta.flatten(1).norm(dim=1), expected, atol=1e-6, rtol=1e-4)


def test_the_most_frequent_label_is_no_merit() -> None:
    """A model that says "1" of everything is attacked in the first step, and no more once the labels are counted."""
    model, data = bert(dropout=0.0).eval(), batch(16)
    data["labels"] = torch.tensor([1] * 12 + [0] * 4)
    with torch.no_grad():
        model.classifier.weight.mul_(1e-3)  # not 0: the attack wants a gradient
        model.classifier.bias.copy_(torch.tensor([0.25, 0.75]).log())
    adversary = EmbeddingAdversary(epsilon=0.1, relative=False, by_confidence=True)
    resumed = EmbeddingAdversary(epsilon=0.1, relative=False, by_confidence=True)

    def radii(adversary: EmbeddingAdversary, at: int) -> Tensor:
        delta = adversary.attack(model, data, step(at)).delta
        assert delta is not None
        return delta.flatten(1).norm(dim=1)

    expected = torch.tensor([0.05] * 12 + [0.0] * 4)
    torch.testing.assert_close(radii(adversary, 0), expected, atol=1e-3, rtol=0.0)
    torch.testing.assert_close(radii(adversary, 0), expected, atol=1e-3, rtol=0.0)  # a second batch, accumulated
    resumed.load_state_dict(adversary.state_dict())
    for one in (adversary, resumed):
        torch.testing.assert_close(radii(one, 1), torch.zeros(16), atol=1e-3, rtol=0.0)


def test_parts_can_be_left_out() -> None:
    model, data = bert(), batch()
    assert set(UEGRForward(adversary=False, clean_weight=0.0)(model, data, step()).terms) == {
        "adversarial_loss",
        "divergence",
        "divergence_pass_1",
        "divergence_pass_2",
    }
    assert "clean_loss" in UEGRForward(adversary=False)(model, data, step()).terms


@pytest.mark.parametrize(
    ("options", "units"),
    [
        ({"passes": 2, "clean_weight": 0.0}, 8),
        ({"passes": 3, "clean_weight": 0.0}, 11),
        ({"passes": 2, "clean_weight": 0.0, "steps": 2}, 10),
        ({"passes": 1}, 7),
        ({"passes": 2, "adversary": False, "clean_weight": 0.0}, 6),
        ({"passes": 1, "random_start": True}, 8),
        ({"passes": 1, "random_start": True, "clean_weight": 0.0}, 6),
    ],
)
def test_cost_is_what_the_counter_counts(options: dict[str, object], units: float) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model, data = bert(dropout=0.1, num_hidden_layers=4, hidden_size=64), batch(8)

    def flops(stage: PlainForward | UEGRForward) -> int:
        with FlopCounterMode(display=False) as counter:
            stage(model, data, step()).value.backward()
        return counter.get_total_flops()

    stage = UEGRForward(**options)  # type: ignore[arg-type]
    assert stage.cost() == units
    assert flops(stage) / flops(PlainForward()) == pytest.approx(units / 3, rel=0.03)


def test_own_model_needs_only_embeddings_logits_and_dropout() -> None:
    data = batch()
    assert UEGRForward()(Linear(dropout=0.1), data, step()).value > 0
    with pytest.raises(UsageError, match="no dropout layer"):
        UEGRForward()(Linear(), data, step())

    class NoEmbeddings(nn.Module):
        pass

    with pytest.raises(UsageError, match="get_input_embeddings"):
        input_embeddings(NoEmbeddings())

    class NoLogits(Linear):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(input_ids, attention_mask).logits

    with pytest.raises(UsageError, match="no .logits"):
        forward_pass(NoLogits(), data, step())


def test_wrappers_are_seen_through() -> None:
    model = bert()
    assert unwrap(torch.compile(model)) is model
    assert input_embeddings(torch.compile(model)) is model.get_input_embeddings()


def test_seeded_passes_repeat() -> None:
    draws = []
    for _ in range(2):
        with seeded(3, torch.device("cpu")):
            draws.append(torch.rand(4))
    assert torch.equal(*draws)


@pytest.mark.parametrize(
    "options",
    [{"epsilon": 0.0}, {"epsilon": -1.0}, {"passes": 0}, {"ramp": 1.5}, {"js_weight": -1.0}, {"clean_weight": -0.1}],
)
def test_senseless_settings_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        UEGRForward(**options)  # type: ignore[arg-type]
