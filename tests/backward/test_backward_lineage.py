"""Every backward stage of the lineage against its rule in a few lines, and at its known limits."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from conftest import batch, bert
from uegr import UsageError, create_method
from uegr.backward.backward_stage import BackwardStage
from uegr.backward.child_tuning_d import ChildTuningD
from uegr.backward.child_tuning_f import ChildTuningF
from uegr.backward.l2_sp import L2SP
from uegr.backward.mixout import Mixout
from uegr.backward.rose import ROSEFirst
from uegr.backward.sam import SAM
from uegr.backward.staged_optimizer import StagedOptimizer
from uegr.methods.method import Method

DATA = [batch(seed=i) for i in range(4)]


def begin(name: str, model: nn.Module, rate: float = 0.1, **options: object) -> tuple[Method, StagedOptimizer]:
    """The method around plain SGD, prepared."""
    method = create_method(name, seed=1, total_steps=8, **options)
    optimizer = method.wrap_optimizer(torch.optim.SGD(model.parameters(), lr=rate), model)
    method.prepare(model.train(), DATA[:2])
    return method, optimizer


def train(
    name: str, steps: int = 3, rate_of_dropout: float = 0.0, accumulate: bool = False, **options: object
) -> nn.Module:
    model = bert(dropout=rate_of_dropout)
    method, optimizer = begin(name, model, **options)
    for i in range(steps):
        parts = [DATA[i]]
        if accumulate:
            parts = [{key: value[half] for key, value in DATA[i].items()} for half in (slice(0, 1), slice(1, 4))]
        for part in parts:
            method.loss(model, part, 4).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def gradients(model: nn.Module, data: dict[str, Tensor]) -> list[Tensor]:
    logits = model(input_ids=data["input_ids"], attention_mask=data["attention_mask"]).logits
    found = torch.autograd.grad(F.cross_entropy(logits, data["labels"]), list(model.parameters()), allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(model.parameters(), found, strict=True)]


def assert_same(one: nn.Module, other: nn.Module) -> None:
    for key, value in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[key], value, atol=1e-6, rtol=1e-5, msg=lambda m, k=key: k + m)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sam", {"rho": 0.0}),
        ("mixout", {"mix": 0.0}),
        ("child-tuning-f", {"reserve": 1.0}),
        ("child-tuning-d", {"child": 1.0}),
        ("rose-first", {"upper": 1.0}),
        ("l2-sp", {"pull": 0.0}),
        ("plain+roast", {"alpha": -50.0}),  # every p is 1
        ("uegr", {"epsilon": 1e-9, "passes": 1, "p_min": 1.0, "clean_weight": 0.0, "dropout": (0.0, 0.0)}),
    ],
)
def test_at_its_limit_it_is_plain_fine_tuning(name: str, options: dict[str, object]) -> None:
    assert_same(train("plain"), train(name, **options))


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("accumulate", [False, True])
def test_sam_steps_with_the_gradient_at_the_worst_weights_nearby(adaptive: bool, accumulate: bool) -> None:
    got = train("sam", steps=1, accumulate=accumulate, rho=0.3, adaptive=adaptive)
    model = bert(dropout=0.0)
    weights, g = list(model.parameters()), gradients(model, DATA[0])
    t = [w.detach().abs() if adaptive else torch.ones_like(w) for w in weights]
    size = torch.cat([(a * b).flatten() for a, b in zip(t, g, strict=True)]).norm()
    worst = copy.deepcopy(model)
    with torch.no_grad():
        for w, a, b in zip(worst.parameters(), t, g, strict=True):
            w += 0.3 * a**2 * b / size
    there = gradients(worst, DATA[0])
    with torch.no_grad():
        for w, b in zip(weights, there, strict=True):
            w -= 0.1 * b
    assert_same(model, got)


def test_sam_replays_the_same_dropout() -> None:
    """With rho 0 both gradients are one and the same, dropout included."""
    assert_same(train("plain", rate_of_dropout=0.3), train("sam", rate_of_dropout=0.3, rho=0.0))


def test_sam_takes_the_factor_of_an_accumulating_loop() -> None:
    results = []
    for name, options in (("plain", {}), ("sam", {"rho": 0.0})):
        model = bert(dropout=0.0)
        method, optimizer = begin(name, model, **options)
        for part in DATA[:2]:
            (method.loss(model, part) / 2).backward()
        optimizer.step()
        results.append(model)
    assert_same(*results)


def test_second_gradients_refuse_fp16() -> None:
    model = bert()
    method, _ = begin("sam", model)
    with pytest.raises(UsageError, match="bf16 or float32"), torch.autocast("cpu", torch.float16):
        method.loss(model, DATA[0])


def test_mixout_mixes_for_the_pass_and_corrects_the_gradient() -> None:
    """One step after the weights have left where they started, against the formula with the masks it drew."""
    model = bert(dropout=0.0)
    method, optimizer = begin("mixout", model, mix=0.5)
    start = [w.detach().clone() for w in model.parameters()]
    with torch.no_grad():
        for w in model.parameters():
            w += 0.1
    own = [w.detach().clone() for w in model.parameters()]
    loss = method.loss(model, DATA[0])
    mixed = [w.detach().clone() for w in model.parameters()]
    loss.backward()
    optimizer.step()
    twin = bert(dropout=0.0)
    with torch.no_grad():
        for w, m in zip(twin.parameters(), mixed, strict=True):
            w.copy_(m)
    there = gradients(twin, DATA[0])
    touched = 0
    for i, w in enumerate(model.parameters()):
        swapped = (mixed[i] - (start[i] - 0.5 * start[i]) / 0.5).abs() < 1e-6
        expected = torch.where(swapped, start[i], (own[i] - 0.5 * start[i]) / 0.5)
        if not torch.equal(mixed[i], own[i]):
            touched += 1
            torch.testing.assert_close(mixed[i], expected)
            assert 0.3 < swapped.float().mean() < 0.7
            step = torch.where(swapped, 0.0, -0.1 * there[i] / 0.5)  # divided by 1 - p, which the released code forgets
            torch.testing.assert_close(w.detach(), own[i] + step)
    matrices = [w for w in model.bert.encoder.parameters() if w.dim() == 2]
    assert touched >= len(matrices)


def test_mixout_never_shows_mixed_weights_outside_a_step() -> None:
    before, after = bert(dropout=0.0), train("mixout", rate=0.0)
    assert_same(before, after)


def test_child_tuning_f_masks_and_rescales_the_gradient() -> None:
    plain, child = train("plain", steps=1), train("child-tuning-f", steps=1, reserve=0.25)
    moved, expected = [], []
    for old, a, b in zip(bert(dropout=0.0).parameters(), plain.parameters(), child.parameters(), strict=True):
        moved.append((b - old).detach().flatten())
        expected.append((a - old).detach().flatten())
    got, whole = torch.cat(moved), torch.cat(expected)
    chosen = got != 0
    torch.testing.assert_close(got[chosen], 4.0 * whole[chosen], atol=1e-6, rtol=1e-3)
    assert 0.2 < chosen[whole.abs() > 1e-6].float().mean() < 0.3


def test_child_tuning_d_trains_the_top_of_the_fisher_scores_and_the_head() -> None:
    model = bert(dropout=0.0)
    fisher = [torch.zeros_like(w) for w in model.parameters()]
    for data in DATA[:2]:
        for f, g in zip(fisher, gradients(model, data), strict=True):
            f += g**2 / 2
    names = [name for name, _ in model.named_parameters()]
    body = torch.cat([f.flatten() for n, f in zip(names, fisher, strict=True) if n.startswith("bert")])
    threshold = body.quantile(0.8)
    trained = train("child-tuning-d", steps=2, child=0.2)
    moved_share = []
    for n, f, old, new in zip(names, fisher, model.parameters(), trained.parameters(), strict=True):
        moved = (new != old).detach()
        if n.startswith("bert"):
            assert not moved[f < 0.98 * threshold].any(), f"{n} moved outside the child"
            moved_share.append(moved.flatten())
        else:
            assert moved.any(), f"the head's {n} did not move"
    assert 0.15 < torch.cat(moved_share).float().mean() <= 0.21


def test_roast_divides_what_it_keeps_by_its_probability() -> None:
    """One step of SGD against m g / p, with p from ranks counted by hand."""
    model = bert(dropout=0.0)
    start, g = [w.detach().clone() for w in model.parameters()], gradients(model, DATA[0])
    fisher = [torch.zeros_like(w) for w in start]
    for data in DATA[:2]:
        for f, one in zip(fisher, gradients(model, data), strict=True):
            f += one**2 / 2
    method, optimizer = begin("plain+roast", model, alpha=0.6, beta=1.0)
    body = [i for i, (name, _) in enumerate(model.named_parameters()) if name.startswith("bert")]
    scores = torch.cat([fisher[i].flatten() for i in body])
    ranks = torch.searchsorted(scores.sort().values, scores).float() / (len(scores) - 1)
    method.loss(model, DATA[0]).backward()
    optimizer.step()
    moved = torch.cat(
        [(w.detach() - old).flatten() for w, old in zip(model.parameters(), start, strict=True)][: len(body)]
    )
    whole = torch.cat([-0.1 * g[i].flatten() for i in body])
    p, counted = torch.sigmoid(2.0 * (ranks - 0.6)), whole.abs() > 1e-6
    chosen = counted & (moved != 0)
    torch.testing.assert_close(moved[chosen], (whole / p)[chosen], rtol=0.02, atol=1e-7)  # ranks are kept in bins
    assert float(chosen.sum()) == pytest.approx(float(p[counted].sum()), rel=0.05)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_roast_ranks_anew_after_each_epoch(accumulation: int) -> None:
    model = bert()
    method = create_method("roast", seed=1)
    optimizer = method.wrap_optimizer(torch.optim.SGD(model.parameters(), lr=0.1), model)
    method.prepare(model.train(), DATA[: 2 * accumulation], accumulation)
    levels = [copy.deepcopy(method.backward.state_dict()["bins"])]
    for i in range(4):
        for part in range(accumulation):
            method.loss(model, DATA[(i + part) % 4]).backward()
        optimizer.step()
        optimizer.zero_grad()
        levels.append(copy.deepcopy(method.backward.state_dict()["bins"]))
    changed = [any(not torch.equal(a[i], b[i]) for i in a) for a, b in itertools.pairwise(levels)]
    assert changed == [False, True, False, True]  # an epoch was two steps long


def test_rose_first_leaves_the_matrices_alone_that_dropout_pulls_at() -> None:
    model = bert(dropout=0.3)
    method, optimizer = begin("rose-first", model, upper=0.5)
    before = [w.detach().clone() for w in model.parameters()]
    method.loss(model, DATA[0]).backward()
    own = [None if w.grad is None else w.grad.clone() for w in model.parameters()]
    optimizer.step()
    matrices = method.backward._matrices  # type: ignore[attr-defined]
    with_kl, without = (r_drop_gradients(kl_weight) for kl_weight in (1.0, 0.0))
    scores = torch.stack([(with_kl[i] - without[i]).norm() for i in matrices])
    still = [bool(torch.equal(before[i], list(model.parameters())[i])) for i in matrices]
    high = (scores > scores.quantile(0.5)).tolist()
    assert still == high
    assert sum(high) > 0
    untouched = [w.grad for w in model.parameters()]
    assert all(a is None or torch.equal(a, b) for a, b in zip(own, untouched, strict=True)), "the own gradient was lost"


def r_drop_gradients(kl_weight: float) -> list[Tensor]:
    """Of R-Drop's loss, with the dropout of ROSE's passes."""
    model = bert(dropout=0.3)
    method, _ = begin("r-drop", model, kl_weight=kl_weight)
    method.loss(model, DATA[0]).backward()
    return [torch.zeros_like(w) if w.grad is None else w.grad for w in model.parameters()]


def test_rose_second_scores_by_the_departure_from_the_moment() -> None:
    model = bert(dropout=0.0)
    method = create_method("rose-second", upper=0.5)
    base = torch.optim.AdamW(model.parameters(), lr=0.01)
    optimizer = method.wrap_optimizer(base, model)
    for i in range(2):
        before = [w.detach().clone() for w in model.parameters()]
        moments = [base.state[w]["exp_avg"].clone() if base.state else None for w in model.parameters()]
        method.loss(model, DATA[i]).backward()
        found = [w.grad.clone() for w in model.parameters()]
        optimizer.step()
        optimizer.zero_grad()
    matrices = method.backward._matrices  # type: ignore[attr-defined]
    scores = torch.tensor([float((0.1 * found[i].norm() / moments[i].norm() - 1).abs()) for i in matrices])
    high = (scores > scores.quantile(0.5)).tolist()
    assert [bool(torch.equal(before[i], list(model.parameters())[i])) for i in matrices] == high
    kept = [i for i, one in zip(matrices, high, strict=True) if one]
    assert all(torch.equal(base.state[list(model.parameters())[i]]["exp_avg"], moments[i]) for i in kept)


def test_rose_second_needs_a_first_moment() -> None:
    model = bert()
    method = create_method("rose-second")
    optimizer = method.wrap_optimizer(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), model)
    with pytest.raises(UsageError, match="Adam"):
        for i in range(2):
            method.loss(model, DATA[i]).backward()
            optimizer.step()


def test_l2_sp_pulls_the_body_back_and_not_the_head() -> None:
    plain, pulled, start = train("plain", steps=1), train("l2-sp", steps=1, pull=2.0), bert(dropout=0.0)
    for name, weight in pulled.named_parameters():
        after, first = plain.get_parameter(name), start.get_parameter(name)
        expected = after - 0.1 * 2.0 * (after - first) if name.startswith("bert") else after
        torch.testing.assert_close(weight, expected)


def test_methods_that_score_first_say_so() -> None:
    model = bert()
    method = create_method("child-tuning-d")
    method.wrap_optimizer(torch.optim.SGD(model.parameters(), lr=0.1), model)
    with pytest.raises(UsageError, match=r"method\.prepare\(model, loader\)"):
        method.loss(model, DATA[0])
    with pytest.raises(UsageError, match="wrap the optimizer before"):
        create_method("roast").prepare(model, DATA)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SAM(rho=-1.0), "rho"),
        (lambda: Mixout(mix=1.0), "mix"),
        (lambda: ChildTuningF(reserve=0.0), "reserve"),
        (lambda: ChildTuningD(child=0.0), "child"),
        (lambda: ROSEFirst(upper=0.0), "upper"),
        (lambda: L2SP(pull=-1.0), "pull"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], BackwardStage], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()
