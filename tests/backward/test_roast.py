"""RoAST's backward stage: m g / p, with p from the ranks of the last epoch's Fisher information."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch

from support.small_models import bert, weights_of
from support.training import DATA, LEARNING_RATE, begin, fisher_scores, task_gradients
from uegr.methods.registry import RoASTConfig


def test_one_step_equals_the_formula_with_ranks_counted_by_a_sort() -> None:
    model = bert(dropout=0.0)
    start, gradients, scores = weights_of(model), task_gradients(model, DATA[0]), fisher_scores(model)
    method, optimizer = begin("plain+roast", model, alpha=0.6, beta=1.0)
    body = [i for i, (name, _) in enumerate(model.named_parameters()) if name.startswith("bert")]
    flat = torch.cat([scores[i].flatten() for i in body])
    ranks = torch.searchsorted(flat.sort().values, flat).float() / (len(flat) - 1)
    method.loss(DATA[0]).backward()
    optimizer.step()
    end = weights_of(model)
    moved = torch.cat([(end[i] - start[i]).flatten() for i in body])
    whole = torch.cat([-LEARNING_RATE * gradients[i].flatten() for i in body])
    p, has_gradient = torch.sigmoid(2.0 * (ranks - 0.6)), whole.abs() > 1e-6
    is_selected = has_gradient & (moved != 0)
    # Ranks are kept in bins, hence the tolerance.
    torch.testing.assert_close(moved[is_selected], (whole / p)[is_selected], rtol=0.02, atol=1e-7)
    assert float(is_selected.sum()) == pytest.approx(float(p[has_gradient].sum()), rel=0.05)


@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_ranks_are_computed_again_after_each_epoch(accumulation_steps: int) -> None:
    """An epoch is two optimizer steps long here."""
    model = bert()
    method = RoASTConfig().attach(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        train_loader=DATA[: 2 * accumulation_steps],
        accumulation_steps=accumulation_steps,
        seed=1,
    )
    ranks = [copy.deepcopy(method.backward.state_dict()["bins"])]
    for i in range(4):
        for part in range(accumulation_steps):
            method.loss(DATA[(i + part) % 4]).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
        ranks.append(copy.deepcopy(method.backward.state_dict()["bins"]))
    changed = [any(not torch.equal(before[i], after[i]) for i in before) for before, after in itertools.pairwise(ranks)]
    assert changed == [False, True, False, True]


def test_weights_that_lie_transposed_in_memory_are_updated_alike() -> None:
    moved = []
    for transposed in (False, True):
        model = bert(dropout=0.0)
        weight = model.bert.encoder.layer[0].intermediate.dense.weight
        if transposed:
            weight.data = weight.data.t().contiguous().t()
        method, optimizer = begin("plain+roast", model)
        method.loss(DATA[0]).backward()
        optimizer.step()
        moved.append(weight.detach())
    torch.testing.assert_close(*moved)
