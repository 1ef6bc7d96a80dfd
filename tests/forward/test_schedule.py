from __future__ import annotations

import pytest
import torch

from conftest import batch, bert
from uegr import UEGR, UsageError
from uegr.forward.forward_stage import Step
from uegr.forward.plain import PlainForward
from uegr.forward.schedule import Schedule
from uegr.forward.uegr import UEGRForward


def at(step: int, total: int | None = 12) -> Step:
    return Step(torch.Generator().manual_seed(0), step, total)


@pytest.mark.parametrize(
    ("schedule", "full"),
    [
        (Schedule(), list(range(12))),
        (Schedule(every=3), [0, 3, 6, 9]),
        (Schedule(warmup=0.5), [6, 7, 8, 9, 10, 11]),
        (Schedule(every=2, warmup=0.5), [6, 8, 10]),
    ],
)
def test_which_steps_are_full(schedule: Schedule, full: list[int]) -> None:
    assert [step for step in range(12) if schedule.full(step, 12)] == full
    assert schedule.full(schedule.a_full_step, None)
    assert schedule.share == pytest.approx(len(full) / 12)


def test_a_step_between_is_the_plain_one() -> None:
    model, data = bert().train(), batch()
    stage = UEGRForward(every=2)
    plain = PlainForward()(model, data, at(1)).value
    assert torch.equal(stage(model, data, at(1)).value, plain)
    assert not torch.equal(stage(model, data, at(2)).value, plain)


def test_cost_is_the_mean_over_the_training() -> None:
    full = UEGRForward().cost()
    assert UEGRForward(every=2).cost() == pytest.approx((full + 3) / 2)
    assert UEGRForward(warmup=0.25).cost() == pytest.approx(0.75 * full + 0.25 * 3)


@pytest.mark.parametrize("options", [{"every": 0}, {"warmup": 1.0}, {"warmup": -0.1}])
def test_senseless_schedules_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        UEGR(**options)


def test_shared_embeddings_give_the_gradients_of_separate_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for share in (True, False):
        model = bert().train()
        with monkeypatch.context() as patch:
            if not share:
                patch.setattr("uegr.modeling.embeddings.SharedEmbeddings.of", lambda self, ids, output: output)
            UEGRForward()(model, batch(), at(9)).value.backward()
        found.append([one.grad for one in model.parameters()])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_embedding_matrix_is_differentiated_once() -> None:
    model = bert().train()
    calls: list[int] = []
    loss = UEGRForward(passes=3)(model, batch(), at(9)).value
    nodes, seen = [loss.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name().startswith("EmbeddingBackward"):
            leaf = node.next_functions[0][0]
            calls.append(leaf.variable is model.get_input_embeddings().weight)
        nodes += [parent for parent, _ in node.next_functions]
    assert sum(calls) == 1
