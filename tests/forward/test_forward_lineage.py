"""Every forward stage of the lineage against its formula in a few lines, and at its known limits; no dropout."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from conftest import batch, bert
from uegr.errors import UsageError
from uegr.forward.adversarial import AdversarialForward
from uegr.forward.forward_stage import ForwardStage, Step, forward_pass
from uegr.forward.freelb import FreeLBForward
from uegr.forward.neftune import NEFTuneForward
from uegr.forward.plain import PlainForward
from uegr.forward.r3f import R3FForward
from uegr.forward.r_drop import RDropForward
from uegr.forward.roast import START, RoASTForward
from uegr.forward.smart import SMARTForward
from uegr.modeling.embeddings import perturbed, token_mask

MODEL, DATA = bert(dropout=0.0), batch()
MASK, SHAPE = token_mask(DATA), (4, 7, 16)


def step(seed: int = 0) -> Step:
    return Step(torch.Generator().manual_seed(seed), 10, 10)


def draws(seed: int = 0) -> torch.Generator:
    """The generator that a stage draws from first, when its first pass comes after its noise."""
    return torch.Generator().manual_seed(seed)


def logits_at(delta: Tensor) -> Tensor:
    with perturbed(MODEL, delta):
        return MODEL(input_ids=DATA["input_ids"], attention_mask=DATA["attention_mask"]).logits


def error(logits: Tensor) -> Tensor:
    return F.cross_entropy(logits, DATA["labels"])


def gradient_at(delta: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    leaf = delta.clone().requires_grad_()
    return torch.autograd.grad(loss(logits_at(leaf)), leaf)[0] * MASK


def symmetric(p: Tensor, q: Tensor) -> Tensor:
    p, q = p.softmax(-1), q.softmax(-1)
    return ((p - q) * (p.log() - q.log())).sum(-1).mean()


def l2(delta: Tensor) -> Tensor:
    return delta.flatten(1).norm(dim=1)[:, None, None]


def fgm() -> Tensor:
    g = gradient_at(torch.zeros(SHAPE), error)
    return error(logits_at(0.3 * g / l2(g))) + 0.5 * error(logits_at(torch.zeros(SHAPE)))


def pgd() -> Tensor:
    delta = torch.zeros(SHAPE)
    for _ in range(3):
        g = gradient_at(delta, error)
        delta = delta + 0.2 * g / l2(g)
        delta = delta * (0.3 / l2(delta)).clamp_max(1.0)
    return error(logits_at(delta))


def freelb() -> Tensor:
    tokens = MASK.sum(1, keepdim=True)
    delta = torch.empty(SHAPE).uniform_(-1, 1, generator=draws()) * 0.2 / (tokens * 16).sqrt() * MASK
    losses = []
    for _ in range(3):
        losses.append(error(logits_at(delta)))
        g = gradient_at(delta, error)
        delta = delta + 0.1 * g / l2(g)
        delta = delta * (0.25 / l2(delta)).clamp_max(1.0)
    return torch.stack(losses).mean()


def smart(projection: str) -> Tensor:
    clean = logits_at(torch.zeros(SHAPE))
    generator = draws()
    torch.randint(2**63 - 1, (), generator=generator)  # the clean pass has drawn its dropout seed
    delta = torch.empty(SHAPE).normal_(0, 0.01, generator=generator) * MASK
    g = gradient_at(delta, lambda logits: symmetric(logits, clean.detach()))
    delta = delta + 0.02 * g / g.abs().amax(-1, keepdim=True).clamp_min(1e-12)
    if projection == "clip":
        delta = delta.clamp(-0.015, 0.015)
    else:
        delta = 0.015 * delta / delta.abs().amax(-1, keepdim=True).clamp_min(1e-12)
    return error(clean) + 2.0 * symmetric(logits_at(delta * MASK), clean)


def r3f() -> Tensor:
    clean = logits_at(torch.zeros(SHAPE))
    generator = draws()
    torch.randint(2**63 - 1, (), generator=generator)
    noise = torch.empty(SHAPE).uniform_(-0.1, 0.1, generator=generator) * MASK
    return error(clean) + 0.7 * symmetric(clean, logits_at(noise))


def neftune() -> Tensor:
    noise = torch.empty(SHAPE).uniform_(-1, 1, generator=draws()) * MASK
    return error(logits_at(5.0 / (MASK.sum(1, keepdim=True) * 16).sqrt() * noise))


def roast(adversarial: bool) -> Tensor:
    start = START * torch.rand(SHAPE, generator=draws()) * MASK
    g = gradient_at(start, error)
    delta = start + 0.1 * g / g.abs().amax(-1, keepdim=True).clamp_min(1e-12)
    clean, moved = logits_at(torch.zeros(SHAPE)), logits_at(delta)
    loss = 0.5 * error(clean) + 0.3 * symmetric(clean, moved)
    return loss + 0.5 * error(moved) if adversarial else loss


CASES: dict[str, tuple[ForwardStage, Callable[[], Tensor]]] = {
    "fgm": (AdversarialForward(epsilon=0.3, relative=False, clean_weight=0.5), fgm),
    "pgd": (
        AdversarialForward(epsilon=0.3, relative=False, steps=3, step_size=2 / 3, clean_weight=0.0),
        pgd,
    ),
    "freelb": (FreeLBForward(steps=3, ascent_rate=0.1, init_magnitude=0.2, max_norm=0.25), freelb),
    "smart": (
        SMARTForward(noise_scale=0.01, ascent_rate=0.02, epsilon=0.015, kl_weight=2.0),
        lambda: smart("clip"),
    ),
    "smart as released": (
        SMARTForward(noise_scale=0.01, ascent_rate=0.02, epsilon=0.015, projection="unit", kl_weight=2.0),
        lambda: smart("unit"),
    ),
    "r3f": (R3FForward(noise_scale=0.1, kl_weight=0.7), r3f),
    "neftune": (NEFTuneForward(noise_alpha=5.0), neftune),
    "roast": (RoASTForward(kl_weight=0.3, adversarial_loss=True), lambda: roast(True)),
    "roast as released": (RoASTForward(kl_weight=0.3), lambda: roast(False)),
}


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_equal_the_formula(case: str) -> None:
    stage, formula = CASES[case]
    expected = formula()
    got = stage(MODEL, DATA, step()).value
    torch.testing.assert_close(got, expected)
    weights = [MODEL.classifier.weight, MODEL.bert.encoder.layer[0].attention.self.query.weight]
    theirs = torch.autograd.grad(expected, weights)
    MODEL.zero_grad()
    (2.0 * got).backward()  # the factor of an accumulating loop or a GradScaler
    for weight, gradient in zip(weights, theirs, strict=True):
        torch.testing.assert_close(weight.grad, 2.0 * gradient, atol=2e-6, rtol=1e-3)


def test_r_drop_equals_its_formula_under_dropout() -> None:
    model = bert(dropout=0.3).train()
    first, second = (forward_pass(model, DATA, one) for one in [step()] * 2)
    assert not torch.equal(first, second)
    expected = (error(first) + error(second)) / 2 + 0.8 * symmetric(first, second) / 2
    torch.testing.assert_close(RDropForward(kl_weight=0.8)(model, DATA, step()).value, expected)


def test_r_drop_without_kl_is_the_mean_error_of_two_passes() -> None:
    model = bert(dropout=0.3).train()
    expected = torch.stack([error(forward_pass(model, DATA, one)) for one in [step()] * 2]).mean()
    torch.testing.assert_close(RDropForward(kl_weight=0.0)(model, DATA, step()).value, expected)


@pytest.mark.parametrize(
    "stage",
    [
        AdversarialForward(epsilon=1e-7, clean_weight=0.0),
        FreeLBForward(steps=1, init_magnitude=0.0),
        FreeLBForward(steps=3, init_magnitude=0.0, ascent_rate=0.0),
        SMARTForward(kl_weight=0.0),
        R3FForward(noise_scale=0.0),
        NEFTuneForward(noise_alpha=0.0),
        RoASTForward(epsilon=1e-7, kl_weight=1.0, adversarial_loss=True),
    ],
    ids=lambda stage: type(stage).__name__,
)
def test_at_its_limit_it_is_plain_fine_tuning(stage: ForwardStage) -> None:
    torch.testing.assert_close(
        stage(MODEL, DATA, step()).value, PlainForward()(MODEL, DATA, step()).value, atol=1e-5, rtol=1e-5
    )


def test_freelb_sends_no_gradient_where_there_is_none() -> None:
    """A parameter that the loss does not depend on keeps grad None, as it would under plain backward()."""
    model = bert(dropout=0.0)
    model.unused = nn.Parameter(torch.zeros(3))  # type: ignore[assignment]
    FreeLBForward()(model, DATA, step()).value.backward()
    assert model.unused.grad is None  # type: ignore[union-attr]
    assert model.classifier.weight.grad is not None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdversarialForward(epsilon=0.0), "epsilon must be above 0"),
        (lambda: AdversarialForward(clean_weight=-1.0), "clean_weight"),
        (lambda: FreeLBForward(steps=0), "at least 1"),
        (lambda: FreeLBForward(max_norm=-1.0), "not be negative"),
        (lambda: SMARTForward(steps=0), "at least 1"),
        (lambda: SMARTForward(epsilon=0.0), "above 0"),
        (lambda: SMARTForward(projection="round"), "unknown projection"),  # type: ignore[arg-type]
        (lambda: R3FForward(noise="pink"), "unknown noise"),  # type: ignore[arg-type]
        (lambda: R3FForward(kl_weight=-1.0), "not be negative"),
        (lambda: RDropForward(kl_weight=-1.0), "kl_weight"),
        (lambda: NEFTuneForward(noise_alpha=-1.0), "noise_alpha"),
        (lambda: RoASTForward(epsilon=0.0), "epsilon"),
        (lambda: RoASTForward(kl_weight=-1.0), "kl_weight"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], ForwardStage], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()
